'use strict';
// One connection to one daemon, made at the first call and again when it breaks.
const grpc = require('@grpc/grpc-js');

const { WeftError } = require('./errors');
const { load } = require('./protocol');
const { known } = require('./requests');
const { Tries, allows, retryOptions } = require('./retry');

const DEFAULT_TIMEOUT_MS = 30_000;
const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': 256 * 1024 * 1024,
  'grpc.max_send_message_length': 256 * 1024 * 1024,
  // Calls are tried again by retry.js, which knows what is safe.
  'grpc.enable_retries': 0,
  // http_proxy in the environment must not reroute calls to the loopback.
  'grpc.enable_http_proxy': 0,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 2000,
  // Otherwise all clients of a process to one address share one connection.
  'grpc.use_local_subchannel_pool': 1,
};

function positive(timeoutMs) {
  if (timeoutMs > 0) return timeoutMs;
  throw new RangeError(`timeoutMs is ${timeoutMs}, must be more than 0`);
}

/** Cancels the call when the signal is aborted. Returns what takes the signal off again. */
function cancelOn(signal, call) {
  if (!signal) return () => {};
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel);
  return () => signal.removeEventListener('abort', cancel);
}

class Connection {
  constructor(target, options) {
    known(options, ['timeoutMs', 'retry', 'protoPath', 'channelOptions'], 'options');
    this.timeoutMs = positive(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    this.retry = retryOptions(options.retry);
    this.methods = load(options.protoPath);
    this.grpc = new grpc.Client(target, grpc.credentials.createInsecure(),
      { ...CHANNEL_OPTIONS, ...options.channelOptions });
  }

  /** One try of a unary call. */
  once(method, request, leftMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal && signal.aborted) throw signal.reason;
      let release = () => {};
      const call = this.grpc.makeUnaryRequest(
        method.path, method.requestSerialize, method.responseDeserialize, request,
        new grpc.Metadata(), { deadline: Date.now() + leftMs },
        (error, response) => {
          release();
          if (!error) resolve(response);
          else reject(signal && signal.aborted ? signal.reason : WeftError.fromCall(error));
        });
      release = cancelOn(signal, call);
    });
  }

  /**
   * Calls a unary method and tries again as retry.js says. harmless: doing it twice is the same as
   * doing it once. timeoutMs: of all tries together.
   */
  async call(method, request, harmless, { timeoutMs, signal } = {}) {
    const tries = this.tries(timeoutMs);
    for (;;) {
      try {
        return await this.once(method, request, tries.leftMs(), signal);
      } catch (error) {
        if (!(error instanceof WeftError)) throw error;
        const failed = this.allows(error, harmless) ? [error] : [];
        if (!await tries.next(failed, signal)) throw error;
      }
    }
  }

  tries(timeoutMs) {
    return new Tries(this.retry, positive(timeoutMs ?? this.timeoutMs));
  }

  allows(error, harmless) {
    return allows(this.retry, error, harmless);
  }

  /** Opens a call whose answers, and maybe requests, are many; without timeoutMs it has no end. */
  open(method, request, { timeoutMs, signal } = {}) {
    if (signal && signal.aborted) throw signal.reason;
    const deadline = timeoutMs === undefined ? Infinity : Date.now() + positive(timeoutMs);
    const ends = [method.path, method.requestSerialize, method.responseDeserialize];
    const call = method.requestStream
      ? this.grpc.makeBidiStreamRequest(...ends, new grpc.Metadata(), { deadline })
      : this.grpc.makeServerStreamRequest(...ends, request, new grpc.Metadata(), { deadline });
    const release = cancelOn(signal, call);
    call.on('status', release);
    return call;
  }

  close() {
    this.grpc.close();
  }
}

module.exports = { Connection, positive };
