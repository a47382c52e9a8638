'use strict';
// Looking at the daemon and steering it.
const { known, nanoseconds, uint32 } = require('./requests');
const { Watch } = require('./watch');

/** AdminService; index.d.ts tells what each call does. */
class Admin {
  constructor(connection) {
    this.connection = connection;
  }

  call(name, request, harmless, options) {
    return this.connection.call(this.connection.methods.admin[name], request, harmless, options);
  }

  stats(options) {
    return this.call('GetStats', {}, true, options);
  }

  watchStats({ intervalMs = 1000, ...options } = {}) {
    const request = { intervalNs: nanoseconds(intervalMs, 'intervalMs') };
    const method = this.connection.methods.admin.WatchStats;
    return new Watch(this.connection.open(method, request, options), options.signal);
  }

  async handlers(options) {
    return (await this.call('ListHandlers', {}, true, options)).handlers;
  }

  async cores(options) {
    return (await this.call('ListCores', {}, true, options)).cores;
  }

  async setBudget(budget, options) {
    known(budget, ['polls', 'microseconds', 'core'], 'budget');
    const { polls, microseconds, core } = budget;
    if ((polls === undefined) === (microseconds === undefined)) {
      throw new TypeError('give exactly one of polls and microseconds');
    }
    const limit = polls === undefined
      ? { microseconds: uint32(microseconds, 'microseconds') } : { polls: uint32(polls, 'polls') };
    const request = { budget: limit };
    if (core !== undefined) request.core = uint32(core, 'core');
    return (await this.call('SetBudget', request, true, options)).cores;
  }

  async pause(handler, options) {
    return (await this.call('PauseHandler', { handler }, false, options)).changed;
  }

  async resume(handler, options) {
    return (await this.call('ResumeHandler', { handler }, false, options)).changed;
  }

  reload(options) {
    return this.call('ReloadConfig', {}, false, options);
  }

  async drain(options) {
    return (await this.call('DrainServer', {}, false, options)).inFlight;
  }
}

module.exports = { Admin };
