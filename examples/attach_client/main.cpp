// Submits tasks of type `resize` to Overwatch, watches them end, and prints what became of them.
//
//   attach_client HOST:PORT[,HOST:PORT...] [COUNT]

#include <messages/client/client.hpp>

#include <atomic>
#include <iostream>
#include <sstream>

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream{text};
  for (std::string part; std::getline(stream, part, ',');)
    parts.push_back(part);
  return parts;
}

overwatch::submission photo(size_t number) {
  auto spec = std::make_shared<overwatch::task_spec>();
  spec->name = "photo " + std::to_string(number);
  spec->task_type = "resize";
  auto payload = R"({"width":)" + std::to_string(640 + number) + R"(,"height":480,"to":100})";
  return {spec, std::make_shared<const std::string>(payload)};
}

int run(const std::vector<std::string>& addresses, size_t count) {
  overwatch::client_options options;
  options.addresses = addresses;
  options.name = "attach_client";
  overwatch::client cluster{options};

  std::atomic<size_t> heard{0};
  overwatch::event_request filter;
  filter.kinds = {overwatch::event_kind::task_completed};
  auto watching = cluster.watch(filter, [&](const overwatch::event&) { ++heard; });

  std::vector<overwatch::submission> photos;
  for (size_t i = 0; i < count; ++i)
    photos.push_back(photo(i));
  auto receipts = cluster.submit_all(std::move(photos)).get().receipts; // durable from here on
  std::cout << "submitted " << receipts.size() << std::endl;

  size_t completed = 0;
  for (const auto& receipt : receipts) {
    if (receipt.error)
      throw overwatch::client_error{receipt.error};
    auto task = cluster.wait(receipt.id, std::chrono::minutes{5});
    completed += task.state.status == overwatch::task_status::completed;
    if (count <= 5)
      std::cout << task.spec.name << ": " << name_of(task.state.status) << ' ' << task.result << '\n';
  }
  cluster.put_key("attach_client/completed", std::to_string(completed));
  std::cout << "completed " << completed << ", heard of " << heard << std::endl;
  return completed == count ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: attach_client HOST:PORT[,HOST:PORT...] [COUNT]\n";
    return 2;
  }
  try {
    return run(split(argv[1]), argc > 2 ? std::stoul(argv[2]) : 3);
  } catch (const std::exception& error) {
    std::cerr << "attach_client: " << error.what() << '\n';
    return 1;
  }
}
