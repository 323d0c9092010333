#pragma once

#include "actors/store.hpp"

#include <map>
#include <string>

/// What the dying writer writes and its tests look for.
namespace overwatch::test {

inline std::string entry_key(int number) { return "entry " + std::to_string(1'000'000 + number); }

/// State keys of one entry: several, so that a torn batch would show.
inline constexpr int keys_per_entry = 20;

/// Entries between two checkpoints of `endless_entries`.
inline constexpr int entries_per_checkpoint = 100;

inline std::string state_key(int number) { return "key " + std::to_string(number); }

/// As a node writes it: an entry, and the state that follows from it.
inline write_batch entry(int number) {
  write_batch batch;
  auto text = std::to_string(number);
  for (int key = 0; key < keys_per_entry; ++key)
    batch.put(key_space::state, state_key(key), text);
  batch.put(key_space::log, entry_key(number), text + std::string(20'000, 'e'));
  batch.put(key_space::state, "applied", text + " " + std::string(static_cast<size_t>(number % 7) * 9'000, 's'));
  return batch;
}

/// Entries of `few_entries`; after the one in the middle there is a checkpoint.
inline constexpr int few_entries = 40;

/// One of them: short, with a state key of its own.
inline write_batch short_entry(int number) {
  write_batch batch;
  batch.put(key_space::log, entry_key(number),
            std::string(static_cast<size_t>(number) * 30, static_cast<char>('a' + number % 26)));
  batch.put(key_space::state, state_key(number), std::string(3000, 's'));
  return batch;
}

/// The range that `replacement` gives a new content, and that content.
inline const key_range replaced_range{key_space::state, "m/", "m0"};

inline std::map<std::string, std::string> generation(int number) {
  std::map<std::string, std::string> result;
  for (int i = 0; i < 20 + number * 37 % 300; ++i)
    result.emplace("m/" + std::to_string(1000 + i * (1 + number % 3)), std::to_string(number) + std::string(90, 'v'));
  return result;
}

/// What goes with it.
inline write_batch with_generation(int number) {
  write_batch batch;
  batch.erase_range(key_space::log, "old ", "old!");
  batch.put(key_space::log, "generation", std::to_string(number));
  batch.put(key_space::state, "generation", std::to_string(number));
  return batch;
}

} // namespace overwatch::test
