'use strict';
// What goes wrong, as one error that carries all that the daemon said.
const { status } = require('@grpc/grpc-js');

const { googleRpc } = require('./protocol');

const DOMAIN = 'weft';
const DETAILS_KEY = 'grpc-status-details-bin';

/** google.rpc details of one kind, decoded. */
function decoded(details, kind) {
  const type = googleRpc(kind);
  return details
    .filter((any) => any.type_url.endsWith(`/google.rpc.${kind}`))
    .map((any) => type.deserialize(any.value));
}

function milliseconds(duration) {
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/** A call without an answer, or a row without a result; index.d.ts tells its fields. */
class WeftError extends Error {
  /** @param {{code: number, message: string, details?: object[]}} said as google.rpc.Status */
  constructor({ code, message, details = [] }) {
    const info = decoded(details, 'ErrorInfo').find((each) => each.domain === DOMAIN);
    const codeName = status[code] || 'UNKNOWN';
    super(`${codeName}${info ? ` (${info.reason})` : ''}: ${message}`);
    this.name = 'WeftError';
    this.code = code;
    this.codeName = codeName;
    this.description = message;
    this.reason = info ? info.reason : '';
    this.metadata = info ? info.metadata : {};
    this.fieldViolations = decoded(details, 'BadRequest')
      .flatMap((each) => each.fieldViolations)
      .map(({ field, description }) => ({ field, description }));
    this.quota = decoded(details, 'QuotaFailure')
      .flatMap((each) => each.violations)
      .map(({ subject, description }) => ({ bound: subject, description }));
    const [retry] = decoded(details, 'RetryInfo');
    this.retryAfterMs = retry && retry.retryDelay ? milliseconds(retry.retryDelay) : null;
  }

  /** Of a call that grpc-js ended with an error. */
  static fromCall(error) {
    const [packed] = error.metadata ? error.metadata.get(DETAILS_KEY) : [];
    const said = packed ? googleRpc('Status').deserialize(packed) : {};
    return new WeftError({ ...said, code: error.code, message: error.details });
  }
}

module.exports = { WeftError, status };
