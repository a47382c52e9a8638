'use strict';
// Submitting tasks and getting their results.
const { Admin } = require('./admin');
const { submitMany } = require('./batch');
const { Connection } = require('./connection');
const {
  filterOf, int64, nanoseconds, specOf, uint32,
} = require('./requests');
const { TaskStream, answers } = require('./stream');
const { Submitter } = require('./submitter');
const { TaskWatch } = require('./watch');

const DEFAULT_TARGET = '127.0.0.1:7411';
// What limits.max_wait_s can be set to at most.
const LONGEST_WAIT_MS = 86_400_000;
// Written by hand: the empty message asks for the whole server, and an answer whose field 1 is 1
// says SERVING.
const HEALTH = {
  path: '/grpc.health.v1.Health/Check',
  requestSerialize: () => Buffer.alloc(0),
  responseDeserialize: (bytes) => bytes.equals(Buffer.from([0x08, 0x01])),
};

/** Speaks to one daemon; index.d.ts tells what each call does. */
class Client {
  constructor(target = DEFAULT_TARGET, options = {}) {
    this.connection = new Connection(target, options);
    this.admin = new Admin(this.connection);
  }

  close() {
    this.connection.close();
  }

  call(name, request, harmless, options) {
    return this.connection.call(this.connection.methods.tasks[name], request, harmless, options);
  }

  async run(spec, { retainResult = false, ...options } = {}) {
    const request = { spec: specOf(spec), retainResult };
    return (await this.call('RunTask', request, false, options)).result;
  }

  async submit(spec, options) {
    return this.call('SubmitTask', { spec: specOf(spec) }, false, options);
  }

  async submitMany(specs, options) {
    return submitMany(this.connection, Array.from(specs, specOf), options);
  }

  async wait(taskId, { waitMs, timeoutMs, signal } = {}) {
    const request = { taskId: int64(taskId, 'taskId') };
    if (waitMs !== undefined) request.waitNs = nanoseconds(waitMs, 'waitMs');
    const options = {
      timeoutMs: timeoutMs ?? (waitMs ?? LONGEST_WAIT_MS) + this.connection.timeoutMs, signal,
    };
    return (await this.call('WaitTask', request, true, options)).result;
  }

  async get(taskId, options) {
    return this.call('GetTask', { taskId: int64(taskId, 'taskId') }, true, options);
  }

  async cancel(taskId, options) {
    return this.call('CancelTask', { taskId: int64(taskId, 'taskId') }, false, options);
  }

  async* list(filter = {}, { pageSize = 0, ...options } = {}) {
    const request = { filter: filterOf(filter), pageSize: uint32(pageSize, 'pageSize') };
    do {
      const page = await this.call('ListTasks', request, true, options);
      yield* page.tasks;
      request.pageToken = page.nextPageToken;
    } while (request.pageToken);
  }

  async watch(filter = {}, options = {}) {
    const method = this.connection.methods.tasks.WatchTasks;
    const call = this.connection.open(method, { filter: filterOf(filter) }, options);
    return new TaskWatch(call, options.signal).begin(this.connection.timeoutMs);
  }

  stream(specs, options) {
    return answers(this.connection, specs, options);
  }

  openStream(options) {
    return new TaskStream(this.connection, options);
  }

  openSubmitter(options) {
    return new Submitter(this.connection, options);
  }

  isServing(options) {
    return this.connection.call(HEALTH, {}, true, options);
  }
}

module.exports = { Client };
