'use strict';
// Proves that a stream of the Node.js package answers every row, bounds what is on its way, and
// ends as it should whoever ends it. Arguments are those of node_cases.main.
const assert = require('assert/strict');

const { daemonCases, main, refusal } = require('./node_cases');
const { PATIENCE_MS } = require('./node_daemon');

function* specs(count) {
  for (let tag = 0; tag < count; tag += 1) {
    yield { handler: 'echo', payload: `${tag}`, clientTag: tag };
  }
}

async function taken(stream) {
  const rows = [];
  for await (const row of stream) rows.push(row);
  return rows;
}

daemonCases('NodeStream', [], {
  'answers every row by its tag': async ({ client }) => {
    const outputs = new Map();
    for await (const row of client.stream(specs(5000), { timeoutMs: PATIENCE_MS })) {
      assert.equal(row.error, null);
      assert.ok(!outputs.has(row.tag));
      outputs.set(row.tag, row.result.output.toString());
    }
    assert.equal(outputs.size, 5000);
    for (const [tag, output] of outputs) assert.equal(output, tag);
  },

  'without specs it ends at once': async ({ client }) => {
    assert.deepEqual(await taken(client.stream([])), []);
  },

  'takes an async source': async ({ client }) => {
    async function* slowly() {
      for (const spec of specs(3)) {
        await new Promise(setImmediate);
        yield spec;
      }
    }
    assert.equal((await taken(client.stream(slowly()))).length, 3);
  },

  'large payloads are cut into messages': async ({ client }) => {
    const payloads = Array.from({ length: 12 }, (_, tag) => Buffer.alloc(3_000_000, tag));
    const large = payloads.map((payload, clientTag) => ({ handler: 'echo', payload, clientTag }));
    for await (const row of client.stream(large, { timeoutMs: PATIENCE_MS })) {
      assert.ok(row.result.output.equals(payloads[row.tag]));
    }
  },

  'a refused row has its error and holds up no other': async ({ client }) => {
    const rows = await taken(client.stream([
      { handler: 'echo', payload: 'fine', clientTag: 1 }, { handler: 'ecko', clientTag: 2 },
      { handler: 'echo', clientTag: 3, timeoutNs: -1 },
      { handler: 'echo', payload: 'fine', clientTag: 4 },
    ]));
    const byTag = Object.fromEntries(rows.map((row) => [row.tag, row]));
    assert.deepEqual(Object.keys(byTag), ['1', '2', '3', '4']);
    for (const tag of [1, 4]) assert.equal(byTag[tag].result.output.toString(), 'fine');
    assert.equal(byTag[2].error.codeName, 'INVALID_ARGUMENT');
    assert.equal(byTag[2].error.reason, 'UNKNOWN_HANDLER');
    assert.match(byTag[3].error.fieldViolations[0].field, /timeout_ns$/);
  },

  'no more than the window is outstanding': async ({ client }) => {
    const window = 7;
    let given = 0;
    let answered = 0;
    let most = 0;
    function* counted() {
      for (const spec of specs(500)) {
        most = Math.max(most, given - answered);
        given += 1;
        yield spec;
      }
    }
    for await (const row of client.stream(counted(), { window })) answered += row ? 1 : 0;
    assert.deepEqual([given, answered], [500, 500]);
    // One is in hand, and one was taken and not yet counted.
    assert.ok(most <= window + 1, `${most}`);
  },

  'specs wait until answers are taken': async (fixture) => {
    let given = 0;
    function* counted() {
      for (const spec of specs(100)) {
        given += 1;
        yield spec;
      }
    }
    const rows = fixture.client.stream(counted(), { window: 4 });
    await rows.next();
    await fixture.until(() => given === 6, 'specs are not asked for');
    await fixture.nothingInFlight();
    // One was taken, so a fifth was sent, and a sixth finds the window full.
    assert.equal(given, 6);
    assert.equal((await taken(rows)).length, 99);
  },

  'what the specs throw is thrown here': async (fixture) => {
    function* broken() {
      yield* specs(3);
      throw new Error('on purpose');
    }
    await assert.rejects(taken(fixture.client.stream(broken())), /on purpose/);
    await assert.rejects(taken(fixture.client.stream([{ handlre: 'echo' }])), TypeError);
    await fixture.nothingInFlight();
  },

  'leaving early cancels the rest and ends the source': async (fixture) => {
    const { client } = fixture;
    let isEnded = false;
    function* endless() {
      try {
        yield { handler: 'noop', clientTag: 1 };
        for (;;) yield { handler: 'sleep', payload: '60s', clientTag: 2 };
      } finally {
        isEnded = true;
      }
    }
    for await (const row of client.stream(endless(), { window: 4 })) {
      assert.equal(row.tag, '1');
      await fixture.until(async () => (await client.admin.stats()).tasks.accepted === '5',
        'not all are accepted');
      break;
    }
    assert.equal((await fixture.nothingInFlight()).cancelled, '4');
    await fixture.until(() => isEnded, 'the source goes on');
  },

  'its deadline is thrown and ends the tasks': async (fixture) => {
    const stream = fixture.client.stream([{ handler: 'sleep', payload: '60s' }],
      { timeoutMs: 300 });
    assert.equal((await refusal(taken(stream))).codeName, 'DEADLINE_EXCEEDED');
    const tasks = await fixture.nothingInFlight();
    assert.equal(Number(tasks.cancelled) + Number(tasks.expired), 1);
  },

  'a signal ends it': async (fixture) => {
    const { client } = fixture;
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const stream = client.stream([{ handler: 'sleep', payload: '60s' }],
      { signal: controller.signal });
    const rows = taken(stream);
    await fixture.until(async () => (await client.admin.stats()).tasks.inFlight === '1',
      'the task is not taken');
    controller.abort(reason);
    await assert.rejects(rows, (error) => error === reason);
    assert.equal((await fixture.nothingInFlight()).cancelled, '1');
  },

  'a drain finishes what is held and refuses what comes': async (fixture) => {
    const { client } = fixture;
    const stream = client.openStream();
    await stream.send({ handler: 'sleep', payload: '1s', clientTag: 1 });
    await fixture.until(async () => (await client.admin.stats()).tasks.inFlight === '1',
      'it is not taken');
    await client.admin.drain();
    fixture.isDrained = true;
    await stream.send({ handler: 'noop', clientTag: 2 });
    const { value: refused } = await stream.next();
    assert.deepEqual([refused.tag, refused.error.reason], ['2', 'DRAINING']);
    const { value: held } = await stream.next();
    assert.deepEqual([held.tag, held.result.success], ['1', true]);
    stream.finish();
    assert.equal((await stream.next()).done, true);
  },

  'a daemon that dies breaks the stream': async (fixture) => {
    fixture.isKilled = true;
    const rows = fixture.client.stream(
      [{ handler: 'noop' }, { handler: 'sleep', payload: '60s' }]);
    await rows.next();
    fixture.daemon.process.kill('SIGKILL');
    const error = await refusal(rows.next());
    assert.deepEqual([error.codeName, error.reason], ['UNAVAILABLE', '']);
  },

  'a call that broke while nobody looked is not taken for its end': async (fixture) => {
    fixture.isKilled = true;
    const stream = fixture.client.openStream();
    await stream.send({ handler: 'sleep', payload: '60s' });
    fixture.daemon.process.kill('SIGKILL');
    await fixture.until(() => stream.end !== null, 'the call does not end');
    assert.equal((await refusal(stream.next())).codeName, 'UNAVAILABLE');
    assert.equal((await refusal(stream.send({ handler: 'noop' }))).codeName, 'UNAVAILABLE');
  },
});

daemonCases('NodeOpenStream', [], {
  'counts what is outstanding': async ({ client }) => {
    const stream = client.openStream({ window: 3 });
    const tags = [];
    for (let tag = 0; tag < 20; tag += 1) {
      if (stream.outstanding === stream.window) tags.push((await stream.next()).value.tag);
      await stream.send({ handler: 'noop', clientTag: tag });
    }
    stream.finish();
    for (const { tag } of await taken(stream)) tags.push(tag);
    assert.deepEqual(tags.map(Number).sort((a, b) => a - b), [...Array(20).keys()]);
  },

  'nothing can be sent after finish': async ({ client }) => {
    const stream = client.openStream();
    stream.finish();
    await assert.rejects(stream.send({ handler: 'noop' }), /finished/);
    assert.deepEqual(await taken(stream), []);
  },

  'a sender that waits is told of the end': async (fixture) => {
    const stream = fixture.client.openStream({ window: 1 });
    await stream.send({ handler: 'sleep', payload: '60s' });
    const waiting = stream.send({ handler: 'noop' });
    stream.close();
    assert.equal((await refusal(waiting)).codeName, 'CANCELLED');
    await fixture.nothingInFlight();
  },
});

main();
