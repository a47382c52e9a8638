'use strict';
// Proves that the Node.js package sends as columns what columns have a place for, that a result in
// columns is the one that a row would have been, and that a stream's user sees no difference.
// Arguments are those of node_cases.main.
const assert = require('assert/strict');
const path = require('path');

const { PACKAGE, daemonCases, main } = require('./node_cases');

const { requestOf, rowsOf } = require(path.join(PACKAGE, 'lib/columns'));
const { specOf } = require(path.join(PACKAGE, 'lib/requests'));

const specs = (count, fields = {}) => Array.from({ length: count }, (_, tag) => specOf({
  handler: tag % 3 ? 'echo' : 'crc32c', payload: 'x'.repeat(tag), clientTag: tag, ...fields,
}));

async function answersTo(client, request) {
  const call = client.connection.open(client.connection.methods.tasks.StreamTasks, undefined, {});
  call.write(request);
  call.end();
  const responses = [];
  for await (const response of call) responses.push(response);
  return responses;
}

daemonCases('NodeColumns', [], {
  'all that the tasks say is in columns': async () => {
    const { columns, specs: rows } = requestOf(specs(8, {
      priority: 'PRIORITY_HIGH', timeoutNs: 7, core: 2, ioPriority: 'PRIORITY_LOW',
    }));
    assert.equal(rows, undefined);
    assert.deepEqual({ ...columns, payloads: columns.payloads.toString() }, {
      count: 8,
      handlers: ['crc32c', 'echo'],
      handlerIndexes: [0, 1, 1, 0, 1, 1, 0, 1],
      payloads: 'x'.repeat(28),
      payloadBytes: [0, 1, 2, 3, 4, 5, 6, 7],
      priorities: Array(8).fill('PRIORITY_HIGH'),
      timeoutsNs: Array(8).fill('7'),
      cores: Array(8).fill(2),
      clientTags: ['0', '1', '2', '3', '4', '5', '6', '7'],
      ioPriorities: Array(8).fill('PRIORITY_LOW'),
    });
    const { columns: plain } = requestOf(Array(8).fill(specOf({ handler: 'noop' })));
    assert.deepEqual(Object.keys(plain).filter((name) => plain[name] !== undefined),
      ['count', 'handlers', 'payloads']);
  },

  'what columns have no place for is in rows': async () => {
    assert.equal(requestOf(specs(7)).columns, undefined);
    for (const fields of [{ affinityKey: 'a' }, { labels: { a: 'b' } }, { core: 0 }]) {
      const mixed = specs(8).concat(specs(1, fields));
      assert.deepEqual(requestOf(mixed), { specs: mixed });
    }
  },

  'a result in columns is the one of a row': async ({ client }) => {
    const tasks = specs(20, { priority: 'PRIORITY_LOW' });
    const asColumns = await answersTo(client, requestOf(tasks));
    const asRows = await answersTo(client, { specs: tasks });
    assert.ok(asColumns.every(({ rows, columns }) => rows.length === 0 && columns));
    assert.ok(asRows.every(({ columns }) => !columns));
    const byTag = (responses) => responses.flatMap(rowsOf).map(({ clientTag, result }) => {
      const after = (end, begin) => (BigInt(result[end]) - BigInt(result[begin])).toString();
      assert.equal(clientTag, result.clientTag);
      assert.ok(BigInt(result.startedAtNs) > 0n);
      assert.equal(result.queueLatencyNs, after('startedAtNs', 'submittedAtNs'));
      assert.equal(result.executionLatencyNs, after('completedAtNs', 'startedAtNs'));
      assert.equal(result.totalLatencyNs, after('completedAtNs', 'submittedAtNs'));
      const rest = { ...result, output: result.output.toString() };
      for (const name of ['taskId', 'submittedAtNs', 'startedAtNs', 'completedAtNs',
        'queueLatencyNs', 'executionLatencyNs', 'totalLatencyNs', 'offCoreNs',
        '_offCoreNs']) delete rest[name];
      return rest;
    }).sort((one, other) => one.clientTag - other.clientTag);
    assert.deepEqual(byTag(asColumns), byTag(asRows));
  },

  'a stream has rows whatever travels': async ({ client }) => {
    const tasks = specs(3000);
    tasks[500].handler = 'ecko';
    tasks[600].handler = 'fail';
    const rows = new Map();
    for await (const row of client.stream(tasks, { window: 3000 })) rows.set(row.tag, row);
    assert.equal(rows.size, 3000);
    assert.equal(rows.get('500').error.reason, 'UNKNOWN_HANDLER');
    assert.equal(rows.get('600').result.state, 'TASK_STATE_FAILED');
    rows.delete('500');
    rows.delete('600');
    assert.ok([...rows.values()].every(({ result }) => result.success));
  },
});

main();
