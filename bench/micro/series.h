#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace weft::bench {

// What every measurement is told.
struct Settings {
  int rounds = 7;
  double seconds = 0.1;  // Of one measurement of one round.
  int near_cpu = 0;      // Where the measuring thread is pinned.
  int far_cpu = -1;      // Where the other side of a hand-over is pinned; -1: there is none.
};

// One figure a round.
class Series {
 public:
  explicit Series(std::string series_name) : name_(std::move(series_name)) {}

  void Add(double value) { values_.push_back(value); }

  const std::string& name() const { return name_; }
  bool empty() const { return values_.empty(); }
  double Median() const {
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    const size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
  double Min() const { return *std::min_element(values_.begin(), values_.end()); }
  double Max() const { return *std::max_element(values_.begin(), values_.end()); }
  size_t size() const { return values_.size(); }

 private:
  std::string name_;
  std::vector<double> values_;
};

enum class Unit { kNanoseconds, kPerSecond };

// What a row is to come to: a figure, a multiple of what was measured beside it in the same run, or
// either of both, for a figure holds on one machine only. 0: not asked for.
struct Target {
  double figure = 0;
  double times = 0;
  size_t of_peer = 0;  // Index in Row::peers.
};

// What is printed: ours, the floor below which nothing can go, and the peers.
struct Row {
  std::string name;
  std::vector<Series> peers;  // The floor first.
  Target target;
  Unit unit = Unit::kNanoseconds;
  std::string cpus;
  std::string idle;
  Series weft{"weft"};
  std::string error;  // Not empty: there is no figure.
};

// Peers by name, the floor first.
inline std::vector<Series> SeriesOf(const std::vector<const char*>& names) {
  std::vector<Series> series;
  for (const char* const name : names) series.emplace_back(name);
  return series;
}

// Each adds its rows. A count of what was done that differs from what was asked for is an error.
void MeasureSpawn(const Settings& settings, std::vector<Row>* rows);
void MeasureSuspend(const Settings& settings, std::vector<Row>* rows);
void MeasureUring(const Settings& settings, std::vector<Row>* rows);
void MeasureCold(const Settings& settings, std::vector<Row>* rows);
// These need a second CPU.
void MeasureHandOver(const Settings& settings, std::vector<Row>* rows);
void MeasureParked(const Settings& settings, std::vector<Row>* rows);
void MeasureThroughput(const Settings& settings, std::vector<Row>* rows);

}  // namespace weft::bench
