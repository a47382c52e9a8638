'use strict';
// Many submissions over few calls, each row answered for itself.
const { WeftError } = require('./errors');
const { rowsThatFit } = require('./requests');

/** One call. When it breaks, that is the answer to each of its rows. */
async function submitOnce(connection, specs, leftMs, signal) {
  const method = connection.methods.tasks.SubmitTasks;
  try {
    const { rows } = await connection.once(method, { specs }, leftMs, signal);
    return rows.map((row) => row.accepted || new WeftError(row.status));
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return specs.map(() => error);
  }
}

/** Answers to all specs, in as few calls as they fit in. */
async function submitAll(connection, specs, tries, signal) {
  const answers = [];
  while (answers.length < specs.length) {
    const from = answers.length;
    const rows = specs.slice(from, from + rowsThatFit(specs, from));
    answers.push(...await submitOnce(connection, rows, tries.leftMs(), signal));
  }
  return answers;
}

/** Submits all, then again and again those alone for which that is safe and can help. */
async function submitMany(connection, specs, { timeoutMs, signal } = {}) {
  const tries = connection.tries(timeoutMs);
  const answers = await submitAll(connection, specs, tries, signal);
  for (;;) {
    const again = [...answers.keys()].filter((number) =>
      answers[number] instanceof WeftError && connection.allows(answers[number], false));
    if (!await tries.next(again.map((number) => answers[number]), signal)) return answers;
    const better = await submitAll(connection, again.map((number) => specs[number]), tries, signal);
    again.forEach((number, at) => { answers[number] = better[at]; });
  }
}

module.exports = { submitMany };
