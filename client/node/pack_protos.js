'use strict';
// `npm pack` takes nothing from beyond this folder, so the protos of weft are brought in for it and
// taken away again: in the repository there is one copy.
const fs = require('fs');
const path = require('path');

const packed = path.join(__dirname, 'proto/weft');
if (process.argv[2] === 'add') {
  fs.cpSync(path.join(__dirname, '../../proto/weft'), packed, { recursive: true });
} else {
  fs.rmSync(packed, { recursive: true, force: true });
}
