#include "config/loader.hpp"
#include "config/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

using namespace overwatch;

namespace {

std::string content_of(const char* file) {
  std::stringstream text;
  text << std::ifstream{file}.rdbuf();
  return text.str();
}

std::string sample() { return content_of(SAMPLE_CONFIG); }

} // namespace

TEST(OptionsTest, EveryNameIsThereOnce) {
  std::set<std::string> seen;
  for (auto& one : options()) {
    EXPECT_TRUE(seen.insert(std::string{one.name}).second) << one.name;
    EXPECT_TRUE(seen.insert(flag_name(one)).second) << flag_name(one);
    EXPECT_TRUE(seen.insert(environment_name(one)).second) << environment_name(one);
    EXPECT_FALSE(one.meaning.empty());
    EXPECT_EQ(one.name.find('_'), std::string::npos) << one.name;
  }
}

TEST(OptionsTest, EveryOptionHasAFieldOfItsOwn) {
  settings values;
  std::set<void*> places;
  for (auto& one : options())
    EXPECT_TRUE(places.insert(std::visit([](auto* place) -> void* { return place; }, one.field(values))).second)
      << one.name;
}

TEST(OptionsTest, EveryDefaultIsAllowed) {
  for (auto& one : options()) {
    settings values;
    EXPECT_EQ(set_option(one, values, default_text(one)), "") << one.name;
    EXPECT_EQ(option_text(one, values), default_text(one)) << one.name;
  }
}

TEST(OptionsTest, TheReferenceNamesEveryOption) {
  auto reference = options_reference();
  for (auto& one : options()) {
    auto key = one.name.substr(one.name.find('.') + 1);
    EXPECT_NE(reference.find("| `" + std::string{key} + "` |"), std::string::npos) << one.name;
    EXPECT_NE(reference.find(flag_name(one)), std::string::npos) << one.name;
  }
  for (auto& one : command_options())
    EXPECT_NE(reference.find("| `" + std::string{one.name} + "` |"), std::string::npos) << one.name;
}

TEST(OptionsTest, RestartOnlyAreThoseThatAreNotLive) {
  auto names = restart_only_options();
  std::set<std::string> restart{names.begin(), names.end()};
  EXPECT_EQ(restart.count("http.port"), 1u);
  EXPECT_EQ(restart.count("tasks.max-concurrent-tasks"), 0u);
}

TEST(OptionsTest, TheSampleFileLoadsAndChangesNoDefault) {
  auto result = load_settings(SAMPLE_CONFIG, {}, {});
  for (auto& problem : result.problems)
    ADD_FAILURE() << problem.to_string();
  for (auto& one : options()) {
    EXPECT_EQ(option_text(one, result.values), default_text(one)) << one.name;
    EXPECT_NE(result.sources[std::string{one.name}], "default") << one.name << " is missing in the sample";
  }
  EXPECT_EQ(result.values.commands.count("hello"), 1u);
  EXPECT_EQ(result.values.commands.count("disk_report"), 1u);
}

TEST(OptionsTest, TheSampleFileSaysWhatEachOptionMeans) {
  auto text = sample();
  text.erase(std::remove(text.begin(), text.end(), ';'), text.end());
  std::stringstream words{text};
  std::string joined;
  for (std::string word; words >> word;)
    joined += word + " ";
  for (auto& one : options()) {
    std::string meaning{one.meaning.substr(1)};
    meaning.erase(std::remove(meaning.begin(), meaning.end(), ';'), meaning.end());
    EXPECT_NE(joined.find(meaning), std::string::npos) << one.name;
  }
}

TEST(OptionsTest, ReadmeHasTheReferenceAsItIs) {
  auto readme = content_of(README);
  std::string begin = "<!-- options:begin -->\n";
  auto first = readme.find(begin);
  auto last = readme.find("<!-- options:end -->");
  ASSERT_NE(first, std::string::npos);
  ASSERT_NE(last, std::string::npos);
  first += begin.size();
  EXPECT_EQ(readme.substr(first, last - first), options_reference())
    << "put the output of `overwatch config reference` between the markers of README.md";
}
