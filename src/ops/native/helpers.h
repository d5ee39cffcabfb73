// Threads that help the one that runs a program; each run hands them parts of loops over rows, or of a row's columns.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

class Helpers {
 public:
  explicit Helpers(int count) {
    for (int n = 0; n < count; n++) threads_.emplace_back([this] { work(); });
  }
  ~Helpers() {
    done_ = true;
    turn_.fetch_add(1);
    turn_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  int count() const { return (int)threads_.size(); }
  // part(n) for n below `parts`, each by whoever is free: a helper that is still asleep is not waited for.
  void share(uint32_t parts, const std::function<void(uint32_t)>& part) {
    part_ = &part;
    left_.store(parts);
    const uint32_t turn = turn_.load() + 1;
    open_.store((uint64_t)turn << 32 | parts);
    turn_.store(turn);
    turn_.notify_all();
    take(turn);
    for (int spins = 0; left_.load(std::memory_order_acquire) > 0; spins++) if (spins > 4096) std::this_thread::yield();
  }

 private:
  // Parts of this turn, as long as there are any: one that comes too late finds another turn, or none left, and touches nothing.
  void take(uint32_t turn) {
    for (uint64_t open = open_.load(); open >> 32 == turn && (uint32_t)open > 0;) {
      if (!open_.compare_exchange_weak(open, open - 1)) continue;
      (*part_)((uint32_t)open - 1);
      left_.fetch_sub(1, std::memory_order_release);
      open = open_.load();
    }
  }
  void work() {
    for (uint32_t seen = 0;;) {
      // The next part of the same run comes soon, or the run is over.
      for (int spins = 0; turn_.load(std::memory_order_acquire) == seen && spins < 4096; spins++) pause();
      turn_.wait(seen);
      seen = turn_.load(std::memory_order_acquire);
      if (done_) return;
      take(seen);
    }
  }
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  std::vector<std::thread> threads_;
  std::atomic<uint32_t> turn_{0};
  // The turn, and how many of its parts nobody has begun: in one word, as they change together.
  std::atomic<uint64_t> open_{0};
  // Parts that are not done.
  std::atomic<uint32_t> left_{0};
  std::atomic<bool> done_{false};
  const std::function<void(uint32_t)>* part_ = nullptr;
};
