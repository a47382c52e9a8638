'use strict';
// Proves which errors the Node.js package tries again, how often, and how long it waits, with a
// clock that stands still. Arguments are those of node_cases.main.
const assert = require('assert/strict');
const path = require('path');

const { PACKAGE, main, plainCases } = require('./node_cases');

const REFUSED = { codeName: 'RESOURCE_EXHAUSTED', reason: 'QUEUE_FULL', retryAfterMs: 500 };
const BROKEN = { codeName: 'UNAVAILABLE', reason: '', retryAfterMs: null };

/**
 * Fails so often with this error, as a call would. Answers with the waits and with whether it came
 * to give up.
 */
async function outcome(error, failures, { options, harmless = true, timeoutMs = 100_000 } = {}) {
  const retry = require(path.join(PACKAGE, 'lib/retry.js'));
  const { status } = require(PACKAGE);
  const failed = { ...error, code: status[error.codeName] };
  let now = 0;
  const waits = [];
  const surroundings = {
    now: () => now,
    sleep: async (ms) => {
      waits.push(ms);
      now += ms;
    },
    chance: () => 0,
  };
  const chosen = retry.retryOptions(options);
  const tries = new retry.Tries(chosen, timeoutMs, surroundings);
  for (let i = 0; i < failures; i += 1) {
    const allowed = retry.allows(chosen, failed, harmless) ? [failed] : [];
    if (!await tries.next(allowed)) return { waits, gaveUp: true };
  }
  return { waits, gaveUp: false };
}

plainCases('NodeRetry', {
  'a refusal is tried again after the time the daemon named': async () => {
    assert.deepEqual(await outcome(REFUSED, 2, { harmless: false }),
      { waits: [500, 500], gaveUp: false });
  },

  'chance comes on top of the daemons time': async () => {
    const { delayMs, retryOptions } = require(path.join(PACKAGE, 'lib/retry.js'));
    assert.equal(delayMs(retryOptions({ initialBackoffMs: 200 }), REFUSED, 3, 0.5), 700);
  },

  'the backoff doubles up to its limit': async () => {
    const options = { attempts: 5, initialBackoffMs: 200, maxBackoffMs: 500 };
    assert.deepEqual(await outcome(BROKEN, 4, { options }),
      { waits: [100, 200, 250, 250], gaveUp: false });
  },

  'it gives up after so many attempts': async () => {
    const { waits, gaveUp } = await outcome(BROKEN, 9, { options: { attempts: 3 } });
    assert.deepEqual([waits.length, gaveUp], [2, true]);
  },

  'it never waits beyond the deadline': async () => {
    assert.deepEqual(await outcome(REFUSED, 9, { timeoutMs: 900 }),
      { waits: [500], gaveUp: true });
  },

  'a broken connection is tried again only when that is harmless': async () => {
    assert.ok((await outcome(BROKEN, 1, { harmless: false })).gaveUp);
    assert.ok(!(await outcome(BROKEN, 1, { harmless: true })).gaveUp);
    const options = { brokenCalls: true };
    assert.ok(!(await outcome(BROKEN, 1, { options, harmless: false })).gaveUp);
  },

  'what cannot help is never tried again': async () => {
    for (const error of [
      { ...BROKEN, reason: 'DRAINING' },
      { ...REFUSED, retryAfterMs: null },
      // A message too large for gRPC.
      { ...BROKEN, codeName: 'RESOURCE_EXHAUSTED' },
      { ...REFUSED, codeName: 'INVALID_ARGUMENT' },
      { ...BROKEN, codeName: 'DEADLINE_EXCEEDED' },
      { ...BROKEN, codeName: 'NOT_FOUND' },
      { ...BROKEN, codeName: 'INTERNAL' },
    ]) {
      assert.deepEqual(await outcome(error, 1, { options: { brokenCalls: true } }),
        { waits: [], gaveUp: true }, JSON.stringify(error));
    }
  },

  'a wait is ended by its signal': async () => {
    const retry = require(path.join(PACKAGE, 'lib/retry.js'));
    const controller = new AbortController();
    const tries = new retry.Tries(retry.retryOptions(), 100_000);
    const waiting = tries.next([{ ...REFUSED, retryAfterMs: 50_000 }], controller.signal);
    const reason = new Error('changed my mind');
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
  },
});

main();
