'use strict';
// Many tasks over one call.
const { status } = require('@grpc/grpc-js');

const { requestOf, rowsOf } = require('./columns');
const { WeftError } = require('./errors');
const { MessageReader } = require('./reader');
const { known, rowsThatFit, specOf } = require('./requests');

const DEFAULT_WINDOW = 512;

function rowOf({ clientTag, result, status: refused }) {
  if (result) return { tag: clientTag, result, error: null };
  return { tag: clientTag, result: null, error: new WeftError(refused) };
}

/** Specs in with send, answers out by iterating; index.d.ts tells more. */
class TaskStream {
  constructor(connection, options = {}) {
    known(options, ['window', 'timeoutMs', 'signal'], 'options');
    this.window = options.window ?? DEFAULT_WINDOW;
    if (!(this.window >= 1)) {
      throw new RangeError(`window is ${this.window}, must be at least 1`);
    }
    this.outstanding = 0;
    this.pending = [];
    this.isWriting = false;
    this.isFinished = false;
    this.end = null;
    this.senders = [];
    this.rows = [];
    this.call = connection.open(connection.methods.tasks.StreamTasks, undefined, options);
    this.reader = new MessageReader(this.call, options.signal);
    this.call.on('status', (end) => {
      this.end = end;
      this.wakeSenders();
    });
  }

  async send(spec) {
    const message = specOf(spec);
    // Whoever waits already is before us.
    while (!this.end && !this.isFinished && this.outstanding >= this.window) {
      await new Promise((resolve) => this.senders.push(resolve));
    }
    if (this.end) throw WeftError.fromCall(this.end);
    if (this.isFinished) throw new Error('the stream was finished: nothing more can be sent');
    this.outstanding += 1;
    this.pending.push(message);
    this.write();
  }

  finish() {
    this.isFinished = true;
    this.wakeSenders();
    this.write();
  }

  close() {
    this.end ||= { code: status.CANCELLED, details: 'the stream was closed on this side' };
    this.call.cancel();
    this.wakeSenders();
  }

  async next() {
    while (this.rows.length === 0) {
      const message = await this.reader.next();
      if (message === undefined) return { value: undefined, done: true };
      this.rows = rowsOf(message).reverse();
    }
    this.outstanding -= 1;
    const sender = this.senders.shift();
    if (sender) sender();
    return { value: rowOf(this.rows.pop()), done: false };
  }

  /** The end of a loop that is left early. */
  async return() {
    this.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** One message at a time is on its way; what is sent meanwhile travels together in the next. */
  write() {
    if (this.isWriting || this.end) return;
    if (this.pending.length === 0) {
      if (this.isFinished) this.call.end();
      return;
    }
    this.isWriting = true;
    const specs = this.pending.splice(0, rowsThatFit(this.pending));
    this.call.write(requestOf(specs), () => {
      this.isWriting = false;
      this.write();
    });
  }

  wakeSenders() {
    for (const resolve of this.senders.splice(0)) resolve();
  }
}

/** Feeds specs to a stream and yields the answers; what iterating specs throws is thrown here. */
async function* answers(connection, specs, options) {
  const stream = new TaskStream(connection, options);
  const failures = [];
  const feed = async () => {
    try {
      for await (const spec of specs) await stream.send(spec);
      stream.finish();
    } catch (error) {
      // Whoever takes the answers is told of a broken call.
      if (!(error instanceof WeftError)) failures.push(error);
      stream.close();
    }
  };
  feed();
  try {
    yield* stream;
  } catch (error) {
    throw failures.length > 0 ? failures[0] : error;
  } finally {
    stream.close();
  }
}

module.exports = { TaskStream, answers };
