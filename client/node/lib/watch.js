'use strict';
// Calls that tell, on and on, what happens in the daemon.
const { status } = require('@grpc/grpc-js');

const { WeftError } = require('./errors');
const { MessageReader } = require('./reader');

/** Iterates over what a call tells until close is called or the loop is left. */
class Watch {
  constructor(call, signal) {
    this.call = call;
    this.isClosed = false;
    this.reader = new MessageReader(call, signal);
  }

  close() {
    this.isClosed = true;
    this.call.cancel();
  }

  async message() {
    try {
      return await this.reader.next();
    } catch (error) {
      if (this.isClosed) return undefined;
      throw error;
    }
  }

  async next() {
    const value = await this.message();
    return { value, done: value === undefined };
  }

  async return() {
    this.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

/** TaskEvents; `missed` counts those that a slow reader lost. */
class TaskWatch extends Watch {
  constructor(call, signal) {
    super(call, signal);
    this.missed = 0;
    this.events = [];
  }

  /** Waits for the first message, which tells that the watch has begun. */
  async begin(withinMs) {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.call.cancel();
    }, withinMs);
    try {
      const message = await this.reader.next();
      if (!message) throw refusal(status.UNAVAILABLE, 'the watch ended at once');
      this.take(message);
      return this;
    } catch (error) {
      if (!isLate) throw error;
      throw refusal(status.DEADLINE_EXCEEDED, `the watch did not begin within ${withinMs} ms`);
    } finally {
      clearTimeout(timer);
    }
  }

  take(message) {
    this.missed += Number(message.missed);
    this.events = message.events.reverse();
  }

  async next() {
    while (this.events.length === 0) {
      const message = await this.message();
      if (message === undefined) return { value: undefined, done: true };
      this.take(message);
    }
    return { value: this.events.pop(), done: false };
  }
}

function refusal(code, message) {
  return new WeftError({ code, message });
}

module.exports = { TaskWatch, Watch };
