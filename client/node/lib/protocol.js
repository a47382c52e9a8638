'use strict';
// The services as the proto files describe them, read once a process.
const fs = require('fs');
const path = require('path');
const loader = require('@grpc/proto-loader');

const FILES = ['weft/v1/task_service.proto', 'weft/v1/admin_service.proto'];
const DETAILS = ['google/rpc/status.proto', 'google/rpc/error_details.proto'];
// 64-bit numbers do not fit a JavaScript number, and JSON cannot hold a BigInt: decimal strings, as
// in protobuf's own JSON.
const OPTIONS = {
  longs: String, enums: String, defaults: true, arrays: true, objects: true, oneofs: true,
};
const BUNDLED = path.join(__dirname, '../proto');

const loaded = new Map();

/**
 * Where weft/v1 is: the folder that was asked for, else the repository this package lies in, else
 * what came with the package, else where weft is installed.
 * @param {string | undefined} wanted
 * @returns {string}
 */
function protoFolder(wanted) {
  const folder = wanted || process.env.WEFT_PROTO_PATH;
  const folders = folder ? [folder]
    : [path.join(__dirname, '../../../proto'), BUNDLED, '/usr/share/weft/proto',
      '/usr/local/share/weft/proto'];
  const found = folders.find((each) => fs.existsSync(path.join(each, FILES[0])));
  if (found) return found;
  throw new Error(`no ${FILES[0]} below ${folders.join(', ')}: name its folder with protoPath or ` +
    'WEFT_PROTO_PATH');
}

/**
 * Methods by name of both services.
 * @param {string} [protoPath] folder that has weft/v1
 */
function load(protoPath) {
  const folder = protoFolder(protoPath);
  if (!loaded.has(folder)) {
    // google/rpc always comes from here, so that nobody has to install it.
    const options = { ...OPTIONS, includeDirs: [folder, BUNDLED] };
    const definition = loader.loadSync(FILES, options);
    loaded.set(folder, {
      tasks: definition['weft.v1.TaskService'],
      admin: definition['weft.v1.AdminService'],
    });
  }
  return loaded.get(folder);
}

let details;

/**
 * A message type of google.rpc, such as "Status".
 * @param {string} name
 */
function googleRpc(name) {
  details ||= loader.loadSync(DETAILS, { ...OPTIONS, includeDirs: [BUNDLED] });
  return details[`google.rpc.${name}`];
}

module.exports = { googleRpc, load };
