#pragma once

#include <cstddef>

#include "weft/v1/task_service.pb.h"

namespace weft {

// For the FakeDaemon: the columns of a request, which are well-formed, become its rows.
inline void MakeRows(v1::StreamTasksRequest* request) {
  const v1::TaskColumns& columns = request->columns();
  size_t payload_begin = 0;
  for (int i = 0; i < static_cast<int>(columns.count()); ++i) {
    const bool has_indexes = !columns.handler_indexes().empty();
    v1::TaskSpec* const spec = request->add_specs();
    spec->set_handler(
        columns.handlers(has_indexes ? static_cast<int>(columns.handler_indexes(i)) : 0));
    spec->set_client_tag(columns.client_tags(i));
    if (columns.payload_bytes().empty()) continue;
    spec->set_payload(columns.payloads().substr(payload_begin, columns.payload_bytes(i)));
    payload_begin += columns.payload_bytes(i);
  }
  request->clear_columns();
}

}  // namespace weft
