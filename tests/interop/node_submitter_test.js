'use strict';
// Proves that single tasks are answered each by its own result, that refusals and broken calls are
// told to whom they concern, and that the next task begins another call. Arguments are those of
// node_cases.main.
const assert = require('assert/strict');

const { daemonCases, main, refusal } = require('./node_cases');

daemonCases('NodeSubmitter', [], {
  'answers each task by its own result': async ({ client }) => {
    const submitter = client.openSubmitter({ window: 100 });
    const results = await Promise.all(Array.from({ length: 2000 }, (_, clientTag) =>
      submitter.run({ handler: 'echo', payload: `${clientTag}`, clientTag })));
    results.forEach(({ output, clientTag }, tag) => {
      assert.equal(output.toString(), `${tag}`);
      assert.equal(clientTag, `${tag}`);
    });
    assert.equal((await client.admin.stats()).tasks.accepted, '2000');
    submitter.close();
  },

  'a refused task has its error and holds up no other': async ({ client }) => {
    const submitter = client.openSubmitter();
    const [refused, fine] = await Promise.all([
      refusal(submitter.run({ handler: 'ecko' })),
      submitter.run({ handler: 'echo', payload: 'fine' }),
    ]);
    assert.equal(refused.reason, 'UNKNOWN_HANDLER');
    assert.equal(fine.output.toString(), 'fine');
    await assert.rejects(submitter.run({ handlre: 'echo' }), TypeError);
    await assert.rejects(submitter.run({ handler: 'echo', clientTag: 1.5 }), TypeError);
    submitter.close();
  },

  'what is left when it is closed is told': async (fixture) => {
    const { client } = fixture;
    const submitter = client.openSubmitter();
    const held = refusal(submitter.run({ handler: 'sleep', payload: '60s' }));
    await fixture.until(async () => (await client.admin.stats()).tasks.inFlight === '1',
      'it is not taken');
    submitter.close();
    assert.equal((await held).codeName, 'CANCELLED');
    assert.equal((await fixture.nothingInFlight()).cancelled, '1');
    await assert.rejects(submitter.run({ handler: 'noop' }), /closed/);
  },

  'a broken call is followed by another': async (fixture) => {
    const { client } = fixture;
    const submitter = client.openSubmitter();
    const held = refusal(submitter.run({ handler: 'sleep', payload: '60s' }));
    await fixture.until(async () => (await client.admin.stats()).tasks.inFlight === '1',
      'it is not taken');
    submitter.lane.stream.call.cancel();
    assert.equal((await held).codeName, 'CANCELLED');
    assert.ok((await submitter.run({ handler: 'noop' })).success);
    submitter.close();
  },

  'a window of none is refused': async ({ client }) => {
    assert.throws(() => client.openSubmitter({ window: 0 }), /window is 0, must be at least 1/);
  },
});

main();
