#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace weft::bench {

// What every measurement is told.
struct Settings {
  int rounds = 5;
  double seconds = 0.2;  // Of one measurement of one round.
  int near_cpu = 0;      // Where the measuring thread is pinned.
  int far_cpu = -1;      // Where the other side of a hand-over is pinned; -1: there is none.
};

// One figure a round.
class Series {
 public:
  explicit Series(std::string series_name) : name_(std::move(series_name)) {}

  void Add(double value) { values_.push_back(value); }

  const std::string& name() const { return name_; }
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

// What is printed: ours, the floor below which nothing can go, and the peers. All in nanoseconds.
struct Row {
  std::string name;
  Series weft{"weft"};
  Series floor{"floor"};
  std::vector<Series> peers;
  std::string cpus;
  std::string idle;
};

// False when a count of what was done differs from what was asked for: no figure is then printed.
bool MeasureSpawn(const Settings& settings, std::vector<Row>* rows);
bool MeasureHandOver(const Settings& settings, std::vector<Row>* rows);

}  // namespace weft::bench
