'use strict';
// When to try a call again, and after how long.
const timers = require('timers/promises');

const { status } = require('@grpc/grpc-js');

const DEFAULTS = {
  attempts: 4, initialBackoffMs: 10, maxBackoffMs: 1000, brokenCalls: false,
};

/** Time, sleep and chance, so that tests need none of them. */
const REAL = {
  now: () => performance.now(),
  sleep: (ms, signal) => timers.setTimeout(ms, undefined, { signal }),
  chance: Math.random,
};

function retryOptions(given = {}) {
  const options = { ...DEFAULTS, ...given };
  const unknown = Object.keys(given).find((name) => !(name in DEFAULTS));
  if (unknown) throw new TypeError(`retry has no option ${unknown}`);
  if (!(options.attempts >= 1)) {
    throw new RangeError(`retry.attempts is ${options.attempts}, must be at least 1`);
  }
  return options;
}

/**
 * Whether another try is safe and can help. A refusal by the daemon kept nothing, so it is tried
 * again exactly when it came with a time; a connection that broke says nothing about what the
 * daemon did, so it is tried again only when that is harmless or was asked for.
 */
function allows(options, error, harmless) {
  if (error.code !== status.UNAVAILABLE && error.code !== status.RESOURCE_EXHAUSTED) return false;
  if (error.reason) return error.retryAfterMs !== null;
  // gRPC itself answers RESOURCE_EXHAUSTED for a message that is too large, now and ever.
  if (error.code === status.RESOURCE_EXHAUSTED) return false;
  return harmless || options.brokenCalls;
}

/**
 * Milliseconds before try number nextTry (the second is 2). The daemon's time is a lower bound;
 * chance, in [0, 1), spreads clients that were refused together.
 */
function delayMs(options, error, nextTry, chance) {
  const backoff = Math.min(options.initialBackoffMs * 2 ** (nextTry - 2), options.maxBackoffMs);
  if (error.retryAfterMs) return error.retryAfterMs + backoff * chance;
  return backoff * (0.5 + chance / 2);
}

/** Counts the tries of one call; all of them share one deadline. */
class Tries {
  constructor(options, timeoutMs, surroundings = REAL) {
    this.options = options;
    this.surroundings = surroundings;
    this.deadline = surroundings.now() + timeoutMs;
    this.nextTry = 2;
  }

  leftMs() {
    return Math.max(this.deadline - this.surroundings.now(), 0);
  }

  /**
   * Waits before the next try of what failed with these errors, each of them allowed; false, at
   * once: give up.
   */
  async next(failed, signal) {
    if (failed.length === 0 || this.nextTry > this.options.attempts) return false;
    const chance = this.surroundings.chance();
    const delay = Math.max(...failed.map(
      (error) => delayMs(this.options, error, this.nextTry, chance)));
    if (delay >= this.leftMs()) return false;
    this.nextTry += 1;
    try {
      await this.surroundings.sleep(delay, signal);
    } catch (error) {
      throw signal && signal.aborted ? signal.reason : error;
    }
    return true;
  }
}

module.exports = { REAL, Tries, allows, delayMs, retryOptions };
