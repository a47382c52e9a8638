'use strict';
// Makes requests of what a caller gives. protobufjs leaves out fields it does not know, takes a
// string for base64 and an unknown enumerator for the first, all without a word; so what is given
// is judged here.

// What one message may carry. The daemon takes 1,024 rows and 16 MiB; smaller ones start sooner.
const ROWS_PER_MESSAGE = 1024;
const BYTES_PER_MESSAGE = 1024 * 1024;
// A row's other fields, generously: only the payload is measured.
const ROW_BYTES = 256;

const PRIORITIES = ['PRIORITY_UNSPECIFIED', 'PRIORITY_HIGH', 'PRIORITY_NORMAL', 'PRIORITY_LOW'];
const ENDED = [
  'TASK_STATE_SUCCEEDED', 'TASK_STATE_FAILED', 'TASK_STATE_CANCELLED', 'TASK_STATE_EXPIRED',
];
const STATES = ['TASK_STATE_QUEUED', 'TASK_STATE_RUNNING', 'TASK_STATE_SUSPENDED', ...ENDED];

function known(object, names, what) {
  if (object === null || typeof object !== 'object' || Array.isArray(object)) {
    throw new TypeError(`${what} must be an object`);
  }
  const unknown = Object.keys(object).find((name) => !names.includes(name));
  if (unknown) throw new TypeError(`${what} has no field ${unknown}; it has ${names.join(', ')}`);
  return object;
}

/** A 64-bit number given as a safe integer, a BigInt or a decimal string, as a decimal string. */
function int64(value, what, signed = false) {
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' &&
    Number.isSafeInteger(value)) || (typeof value === 'string' && /^-?\d+$/.test(value));
  if (!isWhole) {
    throw new TypeError(`${what} is ${String(value)}, must be a whole number: a safe integer, a ` +
      'BigInt or a decimal string');
  }
  const number = BigInt(value);
  const fits = signed ? BigInt.asIntN(64, number) === number
    : BigInt.asUintN(64, number) === number;
  if (!fits) throw new RangeError(`${what} is ${number}, beyond 64 bits`);
  return number.toString();
}

function uint32(value, what) {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new TypeError(`${what} is ${String(value)}, must be a whole number of 32 bits`);
  }
  return value;
}

function text(value, what) {
  if (typeof value !== 'string') throw new TypeError(`${what} must be a string`);
  return value;
}

function bytes(value) {
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new TypeError('spec.payload must be a string, a Buffer, a Uint8Array or an ArrayBuffer');
}

function oneOf(names, value, what) {
  if (names.includes(value)) return value;
  throw new TypeError(`${what} is ${String(value)}, must be one of ${names.join(', ')}`);
}

function labels(value, what) {
  if (value === null || typeof value !== 'object') throw new TypeError(`${what} must be an object`);
  for (const [key, each] of Object.entries(value)) text(each, `${what}.${key}`);
  return { ...value };
}

/** How each field is judged; what is undefined is left out. */
function judged(object, judges, what) {
  known(object, Object.keys(judges), what);
  const message = {};
  for (const [name, judge] of Object.entries(judges)) {
    if (object[name] !== undefined) message[name] = judge(object[name], `${what}.${name}`);
  }
  return message;
}

const SPEC = {
  handler: text,
  payload: bytes,
  priority: (value, what) => oneOf(PRIORITIES, value, what),
  timeoutNs: (value, what) => int64(value, what, true),
  core: uint32,
  clientTag: (value, what) => int64(value, what),
  affinityKey: text,
  ioPriority: (value, what) => oneOf(PRIORITIES, value, what),
  labels,
};
const FILTER = {
  states: (value, what) => Array.from(value, (state) => oneOf(STATES, state, what)),
  handler: text,
  core: uint32,
  labels,
};

/** A TaskSpec message. */
const specOf = (spec) => judged(spec, SPEC, 'spec');
/** A TaskFilter message. */
const filterOf = (filter) => judged(filter, FILTER, 'filter');

/** Whether the task succeeded, failed, was cancelled or expired. */
const hasEnded = (result) => ENDED.includes(result.state);

/** Nanoseconds, never more than was asked for. */
function nanoseconds(milliseconds, what) {
  if (!Number.isFinite(milliseconds)) throw new TypeError(`${what} must be a number`);
  return Math.floor(milliseconds * 1e6).toString();
}

/**
 * How many of these specs, which specOf made, fit one message: at least one, for the daemon to
 * refuse if it is too large.
 */
function rowsThatFit(specs, from = 0) {
  let size = 0;
  let end = from;
  while (end < specs.length && end - from < ROWS_PER_MESSAGE) {
    size += ROW_BYTES + (specs[end].payload ? specs[end].payload.length : 0);
    if (size > BYTES_PER_MESSAGE && end > from) break;
    end += 1;
  }
  return end - from;
}

module.exports = { filterOf, hasEnded, int64, known, nanoseconds, rowsThatFit, specOf, uint32 };
