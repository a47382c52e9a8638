'use strict';
// The messages of a streaming call, taken one by one.
const { WeftError } = require('./errors');

/**
 * Takes no more from the call than is asked for, so that a slow reader holds up the sender. grpc-js
 * emits an error without destroying its stream: an ordinary iteration over a call that broke while
 * nobody iterated would end as if all were well.
 */
class MessageReader {
  constructor(call, signal) {
    this.call = call;
    this.messages = [];
    this.sleepers = [];
    this.ended = false;
    this.error = null;
    call.on('data', (message) => {
      this.messages.push(message);
      call.pause();
      this.wake();
    });
    call.on('error', (error) => {
      this.error = signal && signal.aborted ? signal.reason : WeftError.fromCall(error);
    });
    // Comes after the last message and after the error.
    call.on('end', () => {
      this.ended = true;
      this.wake();
    });
    call.pause();
  }

  /** The next message; undefined at the end. Throws what broke the call. */
  async next() {
    while (this.messages.length === 0) {
      if (this.ended) {
        if (this.error) throw this.error;
        return undefined;
      }
      await new Promise((resolve) => {
        this.sleepers.push(resolve);
        this.call.resume();
      });
    }
    return this.messages.shift();
  }

  wake() {
    for (const resolve of this.sleepers.splice(0)) resolve();
  }
}

module.exports = { MessageReader };
