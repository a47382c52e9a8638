'use strict';
// Proves that the Node.js package steers the daemon and looks at it, and what bad requests are
// told. Arguments are those of node_cases.main.
const assert = require('assert/strict');

const { daemonCases, main, refusal } = require('./node_cases');
const { PATIENCE_MS } = require('./node_daemon');

async function badField(promise) {
  const error = await refusal(promise);
  assert.equal(error.codeName, 'INVALID_ARGUMENT');
  return error.fieldViolations[0].field;
}

daemonCases('NodeAdmin', [], {
  'stats are watched with what the handlers did in between': async ({ client }) => {
    const watch = client.admin.watchStats({ intervalMs: 100, timeoutMs: PATIENCE_MS });
    const { value: first } = await watch.next();
    assert.deepEqual([first.intervalNs, first.handlers, first.all], ['0', [], null]);
    await client.run({ handler: 'echo' });
    for await (const { handlers, all, intervalNs } of watch) {
      assert.notEqual(intervalNs, '0');
      const echo = handlers.find(({ name }) => name === 'echo');
      if (!echo || echo.tasksExecuted === '0') continue;
      assert.deepEqual([echo.tasksExecuted, all.tasksExecuted], ['1', '1']);
      break;
    }
    assert.equal((await watch.next()).done, true);
    assert.equal(await badField(client.admin.watchStats({ intervalMs: 50 }).next()),
      'interval_ns');
  },

  'a budget is set in polls and in microseconds': async ({ client: { admin } }) => {
    const [{ stats: { core } }] = await admin.cores();
    assert.deepEqual(await admin.setBudget({ polls: 9 }), [core]);
    assert.deepEqual((await admin.cores())[0].budget, { polls: 9, limit: 'polls' });
    assert.deepEqual(await admin.setBudget({ microseconds: 250, core }), [core]);
    assert.deepEqual((await admin.cores())[0].budget, { microseconds: 250, limit: 'microseconds' });
  },

  'a budget that is none is refused': async ({ client: { admin } }) => {
    for (const [field, wrong] of [
      ['budget.polls', { polls: 0 }], ['budget.polls', { polls: 65_537 }],
      ['budget.microseconds', { microseconds: 100_001 }], ['core', { polls: 1, core: 4000 }],
    ]) {
      assert.equal(await badField(admin.setBudget(wrong)), field);
    }
    for (const wrong of [{}, { polls: 1, microseconds: 1 }, { polls: 1.5 }, { poll: 1 }]) {
      await assert.rejects(admin.setBudget(wrong), TypeError);
    }
  },

  'the core tells what runs on it': async (fixture) => {
    const holder = await fixture.holdTheCore();
    const [core] = await fixture.client.admin.cores();
    assert.equal(core.runningHandler, 'spin');
    assert.ok(Number(core.runningForNs) > 0);
    await fixture.client.cancel(holder);
  },

  'a paused handler refuses and holds until it is resumed': async (fixture) => {
    const client = fixture.connect({ retry: { attempts: 1 } });
    const { admin } = client;
    const holder = await fixture.holdTheCore();
    const { taskId } = await client.submit({ handler: 'echo', payload: 'held' });
    assert.deepEqual([await admin.pause('echo'), await admin.pause('echo')], [true, false]);
    const error = await refusal(client.run({ handler: 'echo' }));
    assert.deepEqual([error.codeName, error.reason], ['UNAVAILABLE', 'HANDLER_PAUSED']);
    assert.ok(error.retryAfterMs > 0);
    await client.cancel(holder);
    await fixture.until(async () => (await admin.stats()).cores[0].held === 1, 'it is not held');
    const paused = (await admin.handlers()).filter((each) => each.paused);
    assert.deepEqual(paused.map(({ name }) => name), ['echo']);
    assert.deepEqual([await admin.resume('echo'), await admin.resume('echo')], [true, false]);
    assert.equal((await client.wait(taskId)).output.toString(), 'held');
  },

  'an unknown handler is not found': async ({ client: { admin } }) => {
    for (const call of ['pause', 'resume']) {
      const error = await refusal(admin[call]('ecko'));
      assert.equal(error.codeName, 'NOT_FOUND');
      assert.match(error.description, /"echo"/);
    }
  },
});

main();
