'use strict';
// The two forms of a batch in StreamTasks, rows and columns (weft/v1/task_service.proto), made into
// each other, so that whoever uses a stream sees only rows.

// Fewer tasks than these cost less as rows.
const FEWEST = 8;
const MAX_HANDLERS = 256;

const hasRow = ({ affinityKey, labels, core }, hasCore) => affinityKey ||
  (labels && Object.keys(labels).length > 0) || (core !== undefined) !== hasCore;

/** A column, or undefined when each task has what an absent one means. */
function column(specs, name, absent) {
  if (specs.every((spec) => (spec[name] ?? absent) === absent)) return undefined;
  return specs.map((spec) => spec[name] ?? absent);
}

/**
 * A StreamTasksRequest of specs that specOf made: columns if they are worth it and have a place for
 * all that the tasks say, else rows.
 */
function requestOf(specs) {
  const hasCore = specs[0].core !== undefined;
  if (specs.length < FEWEST || specs.some((spec) => hasRow(spec, hasCore))) return { specs };
  const handlers = [...new Set(specs.map(({ handler }) => handler ?? ''))];
  if (handlers.length > MAX_HANDLERS) return { specs };
  const places = new Map(handlers.map((handler, index) => [handler, index]));
  const payloads = specs.map(({ payload }) => payload ?? Buffer.alloc(0));
  return {
    columns: {
      count: specs.length,
      handlers,
      handlerIndexes: handlers.length > 1 ? specs.map(({ handler }) => places.get(handler ?? ''))
        : undefined,
      payloads: Buffer.concat(payloads),
      payloadBytes: column(payloads, 'length', 0),
      priorities: column(specs, 'priority', 'PRIORITY_UNSPECIFIED'),
      timeoutsNs: column(specs, 'timeoutNs', '0'),
      cores: hasCore ? specs.map(({ core }) => core) : undefined,
      clientTags: column(specs, 'clientTag', '0'),
      ioPriorities: column(specs, 'ioPriority', 'PRIORITY_UNSPECIFIED'),
    },
  };
}

const minus = (after, before) => (BigInt(after) - BigInt(before)).toString();

/** The results of a ResultColumns, whole. */
function resultsOf(columns) {
  const isTimed = columns.startedAtNs.length > 0;
  for (const [name, entries] of Object.entries(columns)) {
    if (Array.isArray(entries) && ![0, columns.count].includes(entries.length)) {
      throw new RangeError(`${name} has ${entries.length} entries of ${columns.count}`);
    }
  }
  const results = [];
  let outputBegin = 0;
  for (let index = 0; index < columns.count; index += 1) {
    const entry = (name, absent = '0') => columns[name][index] ?? absent;
    const [submittedAtNs, startedAtNs, completedAtNs] =
      [entry('submittedAtNs'), entry('startedAtNs'), entry('completedAtNs')];
    const outputEnd = outputBegin + entry('outputBytes', 0);
    const offCoreNs = entry('offCoreNs', '-1');
    results.push({
      taskId: entry('taskIds'),
      clientTag: entry('clientTags'),
      state: 'TASK_STATE_SUCCEEDED',
      success: true,
      output: columns.outputs.subarray(outputBegin, outputEnd),
      error: null,
      submittedAtNs,
      startedAtNs,
      completedAtNs,
      queueLatencyNs: isTimed ? minus(startedAtNs, submittedAtNs) : '0',
      executionLatencyNs: isTimed ? minus(completedAtNs, startedAtNs) : '0',
      suspendedNs: entry('suspendedNs'),
      totalLatencyNs: isTimed ? minus(completedAtNs, submittedAtNs) : '0',
      core: entry('cores', 0),
      priority: entry('priorities', 'PRIORITY_NORMAL'),
      attempts: 1,
      ...(offCoreNs === '-1' ? {} : { offCoreNs, _offCoreNs: 'offCoreNs' }),
    });
    outputBegin = outputEnd;
  }
  return results;
}

/** All answers of a StreamTasksResponse as rows. */
function rowsOf({ rows, columns }) {
  if (!columns) return rows;
  return rows.concat(resultsOf(columns).map((result) => ({
    clientTag: result.clientTag, result,
  })));
}

module.exports = { requestOf, rowsOf };
