'use strict';
// Proves that submitMany of the Node.js package answers every row for itself and in order.
// Arguments are those of node_cases.main.
const assert = require('assert/strict');

const { PACKAGE, daemonCases, main, plainCases } = require('./node_cases');

function isRefused(answer) {
  return answer instanceof require(PACKAGE).WeftError;
}

daemonCases('NodeBatch', [], {
  'a wrong row holds up no other': async ({ client }) => {
    const [first, unknown, second, nowhere] = await client.submitMany([
      { handler: 'echo', payload: 'one' }, { handler: 'ecko' },
      { handler: 'echo', payload: 'two' }, { handler: 'echo', core: 4000 },
    ]);
    assert.equal((await client.wait(first.taskId)).output.toString(), 'one');
    assert.equal((await client.wait(second.taskId)).output.toString(), 'two');
    assert.equal(unknown.reason, 'UNKNOWN_HANDLER');
    assert.match(unknown.fieldViolations[0].field, /handler$/);
    assert.match(nowhere.fieldViolations[0].field, /core$/);
    const { accepted, refused } = (await client.admin.stats()).tasks;
    assert.deepEqual([accepted, refused], ['2', '2']);
  },

  'more than one message can hold are answered in order': async ({ client }) => {
    const count = 2500;
    const answers = await client.submitMany(Array.from({ length: count }, (_, number) => (
      { handler: 'echo', payload: `${number}` })));
    assert.equal(answers.length, count);
    for (const number of [0, 1023, 1024, 2048, count - 1]) {
      const result = await client.wait(answers[number].taskId);
      assert.equal(result.output.toString(), `${number}`);
    }
    assert.equal(new Set(answers.map((answer) => answer.taskId)).size, count);
  },

  'large payloads are cut into messages': async ({ client }) => {
    const payload = Buffer.alloc(3_000_000, 7);
    const answers = await client.submitMany(Array(8).fill({ handler: 'crc32c', payload }));
    const outputs = new Set();
    for (const { taskId } of answers) outputs.add((await client.wait(taskId)).output.toString());
    assert.equal(outputs.size, 1);
  },

  'nothing is submitted by an empty list': async ({ client }) => {
    assert.deepEqual(await client.submitMany([]), []);
  },

  'a spec that says something else stops all before any is sent': async ({ client }) => {
    await assert.rejects(client.submitMany([{ handler: 'noop' }, { handler: 'noop', cor: 1 }]),
      TypeError);
    assert.equal((await client.admin.stats()).tasks.accepted, '0');
  },
});

daemonCases('NodeBatchFull', ['executor.max_queue_depth=4'], {
  'rows that do not fit are refused and say when to come again': async (fixture) => {
    const client = fixture.connect({ retry: { attempts: 1 } });
    const holder = await fixture.holdTheCore();
    const answers = await client.submitMany(Array(6).fill({ handler: 'noop' }));
    const refused = answers.filter(isRefused);
    assert.deepEqual([answers.length, refused.length], [6, 2]);
    for (const error of refused) {
      assert.equal(error.reason, 'QUEUE_FULL');
      assert.match(error.quota[0].bound, /^executor\.max_queue_depth/);
      assert.ok(error.retryAfterMs > 0);
    }
    await client.cancel(holder);
    await fixture.nothingInFlight();
  },

  'only refused rows are tried again': async (fixture) => {
    const client = fixture.connect({ retry: { attempts: 3 } });
    const holder = await fixture.holdTheCore();
    const answers = await client.submitMany(Array(6).fill({ handler: 'noop' }));
    assert.equal(answers.filter(isRefused).length, 2);
    // The holder and four rows; two rows refused three times.
    const { accepted, refused } = (await client.admin.stats()).tasks;
    assert.deepEqual([accepted, refused], ['5', '6']);
    await client.cancel(holder);
    await fixture.nothingInFlight();
  },
});

plainCases('NodeBatchAlone', {
  'a call that breaks answers each of its rows': async () => {
    const { Client } = require(PACKAGE);
    const client = new Client('127.0.0.1:1');
    const answers = await client.submitMany(Array(3).fill({ handler: 'noop' }));
    assert.deepEqual(answers.map((answer) => answer.codeName), Array(3).fill('UNAVAILABLE'));
    client.close();
  },
});

main();
