#include "http/service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

/// The description of the API against the route table. What the routes answer is checked by responses.mjs.
namespace overwatch::http {

namespace {

using names = std::set<std::string>;

std::string text_of(const json::value& x) { return std::string{x.as_string().c_str()}; }

class DescriptionTest : public testing::Test {
protected:
  /// Follows a reference inside the document.
  const json::value& resolved(const json::value& x) const {
    const auto* reference = x.as_object().if_contains("$ref");
    if (reference == nullptr)
      return x;
    json::error_code error;
    const auto* target = document.find_pointer(text_of(*reference).substr(1), error);
    EXPECT_FALSE(error) << *reference << " leads nowhere";
    return target == nullptr ? x : *target;
  }

  /// The parameters of an operation that are in `where`, in the words of the route table: an object whose members are
  /// parameters is `prefix*`.
  names parameters(const json::object& path, const json::object& operation, std::string_view where) const {
    names out;
    for (const auto* owner : {&path, &operation}) {
      const auto* list = owner->if_contains("parameters");
      if (list == nullptr)
        continue;
      for (const auto& entry : list->as_array()) {
        const auto& parameter = resolved(entry).as_object();
        if (text_of(parameter.at("in")) == where)
          out.insert(name_of_parameter(parameter));
      }
    }
    return out;
  }

  std::string name_of_parameter(const json::object& parameter) const {
    const auto& schema = resolved(parameter.at("schema")).as_object();
    const auto* type = schema.if_contains("type");
    if (type == nullptr || *type != "object")
      return text_of(parameter.at("name"));
    return schema.contains("propertyNames") ? text_of(parameter.at("name")) + ".*" : "*";
  }

  const json::object* operation_of(const route& x) const {
    const auto* path = document.at("paths").as_object().if_contains(x.pattern);
    if (path == nullptr)
      return nullptr;
    std::string method;
    for (char c : x.method)
      method += static_cast<char>(c - 'A' + 'a');
    const auto* operation = path->as_object().if_contains(method);
    return operation == nullptr ? nullptr : &operation->as_object();
  }

  json::value document = json::parse(openapi_document());
};

names words_of(std::string_view text, char separator) {
  names out;
  while (!text.empty()) {
    auto end = text.find(separator);
    if (end != 0)
      out.emplace(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

} // namespace

TEST_F(DescriptionTest, NamesTheRoutesOfTheTable) {
  names described;
  for (const auto& path : document.at("paths").as_object())
    for (const auto& member : path.value().as_object()) {
      if (member.key() == "parameters")
        continue;
      std::string method;
      for (char c : member.key())
        method += static_cast<char>(c - 'a' + 'A');
      described.insert(method + ' ' + std::string{path.key()});
    }
  names routed;
  for (const auto& route : all_routes())
    routed.insert(std::string{route.method} + ' ' + std::string{route.pattern});
  EXPECT_THAT(described, testing::ContainerEq(routed));
}

TEST_F(DescriptionTest, NamesTheQueryParametersOfEachRoute) {
  for (const auto& route : all_routes()) {
    const auto* operation = operation_of(route);
    if (operation == nullptr)
      continue; // the test above names it
    const auto& path = document.at("paths").at(route.pattern).as_object();
    EXPECT_THAT(parameters(path, *operation, "query"), testing::ContainerEq(words_of(route.query, ' ')))
      << route.method << ' ' << route.pattern;
  }
}

TEST_F(DescriptionTest, NamesTheSegmentsThatArePlaceholders) {
  for (const auto& route : all_routes()) {
    const auto* operation = operation_of(route);
    if (operation == nullptr)
      continue;
    names placeholders;
    for (const auto& segment : words_of(route.pattern, '/'))
      if (segment.front() == '{')
        placeholders.insert(segment.substr(1, segment.size() - 2));
    const auto& path = document.at("paths").at(route.pattern).as_object();
    EXPECT_THAT(parameters(path, *operation, "path"), testing::ContainerEq(placeholders))
      << route.method << ' ' << route.pattern;
  }
}

TEST_F(DescriptionTest, HasTheVersionOfTheProgram) {
  EXPECT_EQ(text_of(document.at("info").at("version")), OVERWATCH_VERSION);
}

} // namespace overwatch::http
