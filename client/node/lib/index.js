'use strict';
// A client of weft, the task server for microsecond work. See index.d.ts for what each does.
const { Client } = require('./client');
const { WeftError, status } = require('./errors');
const { hasEnded } = require('./requests');

module.exports = { Client, WeftError, hasEnded, status };
