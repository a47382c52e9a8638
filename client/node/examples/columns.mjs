// A hundred thousand small tasks as columns, with the messages as they are: what a stream of Client
// does by itself, but without an object for each task. Usage: node columns.mjs [TARGET]
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const MESSAGES = 100;
const TASKS = 1000;
const WINDOW = 4;

// In the repository weft's own files are above the package, in a packed one beside google's.
const includeDirs = ['../../../proto', '../proto'].map(
  (folder) => fileURLToPath(new URL(folder, import.meta.url)));
const definition = loadSync('weft/v1/task_service.proto', { includeDirs, defaults: true });
const { TaskService } = loadPackageDefinition(definition).weft.v1;

function columns(number) {
  const tags = Array.from({ length: TASKS }, (_, index) => number * TASKS + index);
  return {
    count: TASKS,
    handlers: ['echo'],
    payloads: Buffer.from(tags.map((tag) => `${tag}`.padStart(8, '0')).join('')),
    payloadBytes: tags.map(() => 8),
    clientTags: tags,
  };
}

const stub = new TaskService(process.argv[2] ?? '127.0.0.1:7411', credentials.createInsecure());
const call = stub.StreamTasks();
let sent = 0;
let answered = 0;
let right = 0;
let others = 0;

// Not faster than answers come: beyond its bounds the daemon refuses.
function send() {
  while (sent < MESSAGES && (sent - WINDOW + 1) * TASKS <= answered) {
    call.write({ columns: columns(sent) });
    sent += 1;
    if (sent === MESSAGES) call.end();
  }
}

send();
for await (const { rows, columns: results } of call) {
  results?.clientTags.forEach((tag, index) => {
    right += Number(results.outputs.toString('utf8', 8 * index, 8 * index + 8)) === Number(tag);
  });
  // Refusals, failures and what was cancelled come as rows.
  others += rows.length;
  answered += rows.length + (results?.clientTags.length ?? 0);
  send();
}
console.log(`${right} of ${MESSAGES * TASKS} outputs are right, ${others} tasks did not succeed`);
stub.close();
