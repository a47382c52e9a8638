'use strict';
// Proves that the Node.js package lists tasks page by page and watches them come and end, by
// filter. Arguments are those of node_cases.main.
const assert = require('assert/strict');

const { daemonCases, main, refusal } = require('./node_cases');
const { PATIENCE_MS } = require('./node_daemon');

const LIMIT = { timeoutMs: PATIENCE_MS };

async function submitted(client, count, spec) {
  const answers = await client.submitMany(Array(count).fill(spec));
  return answers.map((answer) => answer.taskId).sort();
}

async function listed(client, filter, options) {
  const found = [];
  for await (const task of client.list(filter, options)) found.push(task.result.taskId);
  return found.sort();
}

function told({ kind, task }) {
  return [task.result.clientTag, kind.replace('TASK_EVENT_KIND_', ''),
    task.result.state.replace('TASK_STATE_', '')];
}

daemonCases('NodeListing', [], {
  'every task is listed once over many pages': async ({ client }) => {
    const taskIds = await submitted(client, 25, { handler: 'echo' });
    for (const pageSize of [0, 1, 10, 1000]) {
      assert.deepEqual(await listed(client, {}, { pageSize }), taskIds);
    }
  },

  'each part of the filter holds': async (fixture) => {
    const { client } = fixture;
    const red = await submitted(client, 3,
      { handler: 'echo', labels: { colour: 'red', size: 's' } });
    const blue = await submitted(client, 2,
      { handler: 'echo', labels: { colour: 'blue', size: 's' } });
    const failed = await submitted(client, 1, { handler: 'fail', payload: 'error' });
    await fixture.nothingInFlight();
    const { core } = (await client.admin.stats()).cores[0];
    for (const [filter, expected] of [
      [{ labels: { size: 's' } }, [...red, ...blue]],
      [{ labels: { colour: 'red', size: 's' } }, red],
      [{ labels: { colour: 'green' } }, []],
      [{ handler: 'fail' }, failed],
      [{ states: ['TASK_STATE_FAILED'] }, failed],
      [{ states: ['TASK_STATE_QUEUED'] }, []],
      [{ core }, [...red, ...blue, ...failed]],
    ]) {
      assert.deepEqual(await listed(client, filter), expected.sort());
    }
  },

  'a listed task has its handler and labels and no output': async ({ client }) => {
    const labels = { order: '17', 'example.org/kind': '' };
    const { taskId } = await client.submit({ handler: 'echo', payload: 'output', labels });
    await client.wait(taskId);
    const tasks = [];
    for await (const task of client.list({ labels: { order: '17' } })) tasks.push(task);
    assert.equal(tasks.length, 1);
    assert.deepEqual([tasks[0].handler, tasks[0].labels], ['echo', labels]);
    assert.deepEqual([tasks[0].result.success, tasks[0].result.output.length], [true, 0]);
    const got = await client.get(taskId);
    assert.deepEqual([got.handler, got.labels, got.result.output.toString()],
      ['echo', labels, 'output']);
  },

  'what cannot be asked for is refused': async ({ client }) => {
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, number) => [`k${number}`, '']));
    const tooLong = await refusal(listed(client, {}, { pageSize: 1001 }));
    assert.equal(tooLong.fieldViolations[0].field, 'page_size');
    for (const ask of [() => listed(client, { labels: many }),
      () => client.watch({ labels: many })]) {
      assert.match((await refusal(ask())).fieldViolations[0].field, /^filter\.labels/);
    }
    const bad = await refusal(client.run({ handler: 'noop', labels: { 'with space': '' } }));
    assert.match(bad.fieldViolations[0].field, /^spec\.labels/);
    await assert.rejects(listed(client, { state: ['TASK_STATE_QUEUED'] }), TypeError);
    await assert.rejects(listed(client, { states: ['QUEUED'] }), TypeError);
  },
});

daemonCases('NodeWatch', [], {
  'tells of each task when it is accepted and when it ends': async ({ client }) => {
    const watch = await client.watch({}, LIMIT);
    await client.run({ handler: 'echo', clientTag: 1, labels: { order: '17' } });
    await client.run({ handler: 'fail', payload: 'error', clientTag: 2 });
    const events = [];
    for await (const event of watch) {
      events.push(event);
      if (events.length === 4) break;
    }
    assert.deepEqual(events.map(told), [['1', 'ACCEPTED', 'QUEUED'], ['1', 'ENDED', 'SUCCEEDED'],
      ['2', 'ACCEPTED', 'QUEUED'], ['2', 'ENDED', 'FAILED']]);
    assert.deepEqual([events[0].task.handler, events[0].task.labels], ['echo', { order: '17' }]);
    assert.equal(watch.missed, 0);
    // Left, so closed.
    assert.equal((await watch.next()).done, true);
  },

  'tells only what the filter lets through': async ({ client }) => {
    const labels = { order: '17' };
    const watch = await client.watch({ states: ['TASK_STATE_FAILED'], labels }, LIMIT);
    await client.run({ handler: 'fail', payload: 'error', clientTag: 1 });
    await client.run({ handler: 'echo', clientTag: 2, labels });
    await client.run({ handler: 'fail', payload: 'error', clientTag: 3, labels });
    assert.deepEqual(told((await watch.next()).value), ['3', 'ENDED', 'FAILED']);
    watch.close();
  },

  'close ends a loop that waits': async ({ client }) => {
    const watch = await client.watch({}, LIMIT);
    const waiting = watch.next();
    watch.close();
    assert.equal((await waiting).done, true);
  },

  'a deadline and a signal are thrown': async ({ client }) => {
    const late = await client.watch({}, { timeoutMs: 200 });
    assert.equal((await refusal(late.next())).codeName, 'DEADLINE_EXCEEDED');
    const controller = new AbortController();
    const watch = await client.watch({}, { signal: controller.signal });
    const reason = new Error('changed my mind');
    const waiting = watch.next();
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
  },

  'it ends with the daemon': async (fixture) => {
    const watch = await fixture.client.watch({}, LIMIT);
    await fixture.client.admin.drain();
    fixture.isDrained = true;
    assert.equal((await refusal(watch.next())).codeName, 'UNAVAILABLE');
  },
});

main();
