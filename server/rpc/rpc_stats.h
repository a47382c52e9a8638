#pragma once

#include "metrics/cell.h"
#include "metrics/metric_source.h"

namespace weft {

// How full the bounds of the gRPC front are. Written by the Door thread, once a round, unless it
// says otherwise.
struct RpcStats final : public MetricSource {
  Gauge calls;    // Of limits.max_calls for each method: task calls being answered.
  Gauge streams;  // Of limits.max_streams.
  Gauge streams_max;
  Gauge stats_watchers;  // Of limits.max_watchers.
  Gauge task_watchers;   // Of limits.max_watchers, too.
  Gauge watchers_max;
  Gauge missed_events;
  Counter accept_shortages;  // Written by the thread of ConnectionAcceptor.

  // Any thread.
  void Collect(MetricWriter& writer) const override {
    const auto value = [](const Gauge& gauge) { return static_cast<double>(gauge.value()); };
    writer.WriteGauge({"weft_rpc_calls", "Unary task calls that are being answered."}, {},
                      value(calls));
    writer.WriteGauge({"weft_rpc_streams", "StreamTasks calls that are open."}, {}, value(streams));
    writer.WriteGauge({"weft_rpc_stats_watchers", "WatchStats calls that are open."}, {},
                      value(stats_watchers));
    writer.WriteGauge({"weft_rpc_task_watchers", "WatchTasks calls that are open."}, {},
                      value(task_watchers));
    writer.WriteGauge(
        {"weft_rpc_watchers_max", "limits.max_watchers: bound of each kind of watchers."}, {},
        value(watchers_max));
    writer.WriteCounter({"weft_rpc_task_events_missed_total",
                         "Events that watchers were not told because they read too slowly."},
                        {}, value(missed_events));
    writer.WriteCounter({"weft_rpc_accept_shortages_total",
                         "Times that accepting connections was put off for 100 ms because the "
                         "process or the system was out of descriptors or memory."},
                        {}, static_cast<double>(accept_shortages.value()));
    writer.WriteGauge({"weft_rpc_streams_max", "limits.max_streams: bound of weft_rpc_streams."},
                      {}, value(streams_max));
  }
};

}  // namespace weft
