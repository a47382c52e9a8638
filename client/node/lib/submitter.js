'use strict';
// Single tasks over one call.
const { WeftError, status } = require('./errors');
const { int64, known } = require('./requests');
const { TaskStream } = require('./stream');

const DEFAULT_WINDOW = 4096;

/** One stream, and who waits for the answers to what it was given. */
class Lane {
  constructor(connection, options) {
    this.stream = new TaskStream(connection, options);
    this.waiting = new Map();
    this.given = 0;
    this.isOver = false;
    this.take();
  }

  /** Resolves to undefined when the call is over and the task was not sent. */
  async give(spec) {
    this.given += 1;
    const number = `${this.given}`;
    const answer = new Promise((resolve, reject) => {
      const clientTag = int64(spec.clientTag ?? 0, 'spec.clientTag');
      this.waiting.set(number, { resolve, reject, clientTag });
    });
    answer.catch(() => {});
    try {
      await this.stream.send({ ...spec, clientTag: number });
    } catch (error) {
      if (!(error instanceof WeftError)) {
        this.waiting.delete(number);
        throw error;
      }
      // Else whoever takes the answers has told it already.
      if (this.waiting.delete(number)) return undefined;
    }
    return { answer };
  }

  async take() {
    let failure = new WeftError({
      code: status.INTERNAL, message: 'the stream ended with tasks unanswered',
    });
    try {
      for await (const { tag, result, error } of this.stream) {
        const { resolve, reject, clientTag } = this.waiting.get(tag);
        this.waiting.delete(tag);
        if (error) reject(error);
        else resolve({ ...result, clientTag });
      }
    } catch (error) {
      failure = error;
    }
    this.isOver = true;
    for (const { reject } of this.waiting.values()) reject(failure);
    this.waiting.clear();
  }
}

/** Single tasks, gathered into the messages of one stream; index.d.ts tells more. */
class Submitter {
  constructor(connection, options = {}) {
    known(options, ['window'], 'options');
    this.options = { window: options.window ?? DEFAULT_WINDOW };
    this.connection = connection;
    this.isClosed = false;
    this.lane = new Lane(connection, this.options);
  }

  async run(spec) {
    for (;;) {
      if (this.isClosed) throw new Error('the submitter was closed');
      if (this.lane.isOver || this.lane.stream.end) {
        this.lane = new Lane(this.connection, this.options);
      }
      const given = await this.lane.give(spec);
      if (given) return given.answer;
    }
  }

  close() {
    this.isClosed = true;
    this.lane.stream.close();
  }
}

module.exports = { Submitter };
