'use strict';
// Proves that the package of client/node does for each call what it promises, errors and their
// details included. Arguments are those of node_cases.main.
const assert = require('assert/strict');
const crypto = require('crypto');

const { PACKAGE, daemonCases, main, plainCases, refusal } = require('./node_cases');
const { PATIENCE_MS } = require('./node_daemon');

const LARGEST = 2n ** 64n - 1n;

function checkEnded(result, state = 'TASK_STATE_SUCCEEDED') {
  assert.equal(result.state, state);
  assert.equal(result.success, state === 'TASK_STATE_SUCCEEDED');
  assert.equal(result.error === null, result.success);
  const times = ['submittedAtNs', 'completedAtNs', 'queueLatencyNs', 'executionLatencyNs',
    'totalLatencyNs'];
  const [submitted, completed, queue, execution, total] = times.map((name) => {
    assert.equal(typeof result[name], 'string');
    return BigInt(result[name]);
  });
  assert.equal(total, completed - submitted);
  assert.equal(total, queue + execution);
}

daemonCases('NodeHelper', [], {
  'runs a task with every field': async ({ client }) => {
    const { core } = (await client.admin.stats()).cores[0];
    const payload = Buffer.from([0, 255, 1]);
    const result = await client.run({
      handler: 'sha256', payload, priority: 'PRIORITY_HIGH', core, clientTag: LARGEST,
      timeoutNs: 10n ** 10n,
    });
    checkEnded(result);
    assert.equal(result.output.toString(),
      crypto.createHash('sha256').update(payload).digest('hex'));
    assert.equal(result.clientTag, LARGEST.toString());
    assert.deepEqual([result.core, result.priority], [core, 'PRIORITY_HIGH']);
  },

  'takes payloads as text and bytes': async ({ client }) => {
    // Were a string taken for base64, or a view for its whole buffer, this would show it.
    const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    for (const [payload, expected] of [
      ['grün', Buffer.from('grün')], [view, Buffer.from([2, 3])],
      [new Uint8Array([5]).buffer, Buffer.from([5])], ['', Buffer.alloc(0)],
    ]) {
      assert.deepEqual((await client.run({ handler: 'echo', payload })).output, expected);
    }
  },

  'takes 64 bit numbers in three forms': async ({ client }) => {
    for (const clientTag of [7, 7n, '7']) {
      assert.equal((await client.run({ handler: 'noop', clientTag })).clientTag, '7');
    }
  },

  'runs over the unix socket': async (fixture) => {
    const client = fixture.connect({}, `unix:${fixture.daemon.socket}`);
    const result = await client.run({ handler: 'echo', payload: 'socket' });
    assert.equal(result.output.toString(), 'socket');
  },

  'refuses a spec that says something else': async ({ client }) => {
    for (const wrong of [
      { prioritty: 'PRIORITY_HIGH' }, { priority: 'HIGH' }, { priority: 1 }, { clientTag: -1 },
      { clientTag: 2 ** 60 }, { clientTag: LARGEST + 1n }, { clientTag: 'seven' }, { core: 1.5 },
      { core: -1 }, { payload: 7 }, { labels: { order: 17 } }, { handler: 1 },
      { timeoutNs: 0.5 }, { timeoutNs: 2n ** 63n },
    ]) {
      await assert.rejects(client.run({ handler: 'noop', ...wrong }), (error) =>
        error instanceof TypeError || error instanceof RangeError, JSON.stringify(wrong, String));
    }
    assert.equal((await client.admin.stats()).tasks.accepted, '0');
  },

  'a failed task is a result': async ({ client }) => {
    const result = await client.run({ handler: 'fail', payload: 'error on purpose' });
    checkEnded(result, 'TASK_STATE_FAILED');
    assert.deepEqual(result.error,
      { code: 'TASK_ERROR_CODE_HANDLER_FAILED', message: 'on purpose' });
  },

  'a result is retained only when asked for': async ({ client }) => {
    const kept = await client.run({ handler: 'echo' }, { retainResult: true });
    assert.deepEqual((await client.get(kept.taskId)).result, kept);
    const lost = await client.run({ handler: 'echo' });
    assert.equal((await refusal(client.get(lost.taskId))).codeName, 'NOT_FOUND');
  },

  'submits waits and gets': async ({ client }) => {
    const { taskId } = await client.submit({ handler: 'echo', payload: 'later' });
    const waited = await client.wait(taskId);
    checkEnded(waited);
    assert.equal(waited.taskId, taskId);
    assert.deepEqual((await client.get(BigInt(taskId))).result, waited);
  },

  'a wait may end before the task': async (fixture) => {
    const { client } = fixture;
    const { hasEnded } = require(PACKAGE);
    const taskId = await fixture.holdTheCore();
    for (const waitMs of [0, 10]) {
      assert.equal(hasEnded(await client.wait(taskId, { waitMs })), false);
    }
    assert.equal((await client.cancel(taskId)).outcome, 'CANCEL_OUTCOME_REQUESTED_RUNNING');
    const result = await client.wait(taskId);
    checkEnded(result, 'TASK_STATE_CANCELLED');
    assert.ok(hasEnded(result));
  },

  'a deadline is an error and ends the task': async (fixture) => {
    const run = fixture.client.run({ handler: 'sleep', payload: '60s' }, { timeoutMs: 300 });
    // The deadline is the task's timeout, too: on a busy machine its end may come first.
    const end = await run.then((result) => result.state, (error) => error.codeName);
    assert.ok(['DEADLINE_EXCEEDED', 'TASK_STATE_EXPIRED'].includes(end), end);
    const tasks = await fixture.nothingInFlight();
    assert.equal(Number(tasks.cancelled) + Number(tasks.expired), 1);
  },

  'a signal cancels the call and the task': async (fixture) => {
    const { client } = fixture;
    const controller = new AbortController();
    const run = client.run({ handler: 'sleep', payload: '60s' }, { signal: controller.signal });
    await fixture.until(async () => (await client.admin.stats()).tasks.inFlight === '1',
      'the task is not taken');
    const reason = new Error('changed my mind');
    controller.abort(reason);
    await assert.rejects(run, (error) => error === reason);
    assert.equal((await fixture.nothingInFlight()).cancelled, '1');
    // Already aborted: nothing is sent at all.
    await assert.rejects(client.run({ handler: 'noop' }, { signal: controller.signal }), reason);
    assert.equal((await client.admin.stats()).tasks.accepted, '1');
  },

  'a bad field is named with its path': async ({ client }) => {
    for (const [field, wrong] of [['spec.timeout_ns', { timeoutNs: -1 }],
      ['spec.core', { core: 4000 }]]) {
      const error = await refusal(client.run({ handler: 'noop', ...wrong }));
      assert.equal(error.codeName, 'INVALID_ARGUMENT');
      assert.equal(error.reason, 'INVALID_FIELD');
      assert.deepEqual(error.fieldViolations.map((each) => each.field), [field]);
      assert.ok(error.message.includes(field));
      assert.equal(error.retryAfterMs, null);
    }
  },

  'an unknown id is not found': async ({ client }) => {
    for (const call of ['get', 'wait', 'cancel']) {
      const error = await refusal(client[call](12345));
      assert.deepEqual([error.codeName, error.reason], ['NOT_FOUND', 'TASK_NOT_FOUND']);
      await assert.rejects(client[call]('not a number'), TypeError);
    }
  },

  'health turns with the drain': async (fixture) => {
    const { client } = fixture;
    assert.equal(await client.isServing(), true);
    const { taskId } = await client.submit({ handler: 'sleep', payload: '1s' });
    assert.equal(await client.admin.drain(), '1');
    fixture.isDrained = true;
    assert.equal(await client.isServing(), false);
    const error = await refusal(client.run({ handler: 'noop' }));
    assert.deepEqual([error.codeName, error.reason], ['UNAVAILABLE', 'DRAINING']);
    assert.ok((await client.wait(taskId)).success);
  },

  'the handlers are listed': async ({ client }) => {
    const handlers = await client.admin.handlers();
    assert.match(handlers.find(({ name }) => name === 'echo').help, /payload/);
  },
});

daemonCases('NodeHelperFull', ['executor.max_queue_depth=2'], {
  'a full queue says which bound and when to come again': async (fixture) => {
    const client = fixture.connect({ retry: { attempts: 1 } });
    const holder = await fixture.holdTheCore();
    for (let i = 0; i < 2; i += 1) await client.submit({ handler: 'noop' });
    for (const call of ['submit', 'run']) {
      const error = await refusal(client[call]({ handler: 'noop' }));
      assert.deepEqual([error.codeName, error.reason], ['RESOURCE_EXHAUSTED', 'QUEUE_FULL']);
      assert.match(error.quota[0].bound, /^executor\.max_queue_depth/);
      assert.ok(error.retryAfterMs > 0);
    }
    assert.equal((await client.admin.stats()).tasks.refused, '2');
    await client.cancel(holder);
  },

  'a refusal is tried again as often as allowed': async (fixture) => {
    const client = fixture.connect({ retry: { attempts: 3 } });
    const holder = await fixture.holdTheCore();
    for (let i = 0; i < 2; i += 1) await client.submit({ handler: 'noop' });
    await refusal(client.submit({ handler: 'noop' }));
    assert.equal((await client.admin.stats()).tasks.refused, '3');
    await client.cancel(holder);
  },
});

plainCases('NodeHelperAlone', {
  'without a daemon a call is unavailable and has no reason': async () => {
    const { Client } = require(PACKAGE);
    // A port of the loopback that nobody may listen on.
    const client = new Client('127.0.0.1:1', { timeoutMs: PATIENCE_MS, retry: { attempts: 2 } });
    for (const call of [() => client.admin.stats(), () => client.run({ handler: 'noop' })]) {
      const error = await refusal(call());
      assert.deepEqual([error.codeName, error.reason], ['UNAVAILABLE', '']);
    }
    client.close();
  },

  'options that cannot be are refused': async () => {
    const { Client } = require(PACKAGE);
    assert.throws(() => new Client('127.0.0.1:1', { timeoutMs: 0 }), RangeError);
    assert.throws(() => new Client('127.0.0.1:1', { timeout: 1 }), TypeError);
    assert.throws(() => new Client('127.0.0.1:1', { retry: { attempts: 0 } }), RangeError);
    assert.throws(() => new Client('127.0.0.1:1', { retry: { tries: 1 } }), TypeError);
    assert.throws(() => new Client('127.0.0.1:1', { protoPath: '/nowhere' }), /protoPath/);
  },
});

main();
