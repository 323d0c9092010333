// The package for programs that attach, as a stranger uses it: installed to a directory of its own, the two examples
// built against it, and run on a live node that is killed in between.

#include "tests/cluster/node_fixture.hpp"

#include "tests/support/process/background_program.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/program_run.hpp"

namespace overwatch {

namespace {

constexpr std::chrono::seconds build_limit{600};

class InstalledPackageTest : public node_fixture {
protected:
  void SetUp() override {
    options_.caf = true;
    start();
    run({CMAKE_PROGRAM, "--install", BUILD_DIRECTORY, "--component", "development", "--prefix", prefix()});
  }

  std::string prefix() const { return node_->directory() + "/installed"; }

  static void run(const std::vector<std::string>& argv) {
    auto end = support::run_program(argv, build_limit);
    ASSERT_EQ(end.exit_status, 0) << end.output;
  }

  /// Builds an example and returns its program.
  std::string built(const std::string& name) {
    auto directory = node_->directory() + "/" + name;
    run({CMAKE_PROGRAM, "-S", std::string{EXAMPLES_DIRECTORY} + "/" + name, "-B", directory,
         "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_PREFIX_PATH=" + prefix(),
         "-DCMAKE_CXX_COMPILER_LAUNCHER=" COMPILER_LAUNCHER});
    run({CMAKE_PROGRAM, "--build", directory});
    return directory + "/" + name;
  }

  support::background_program in_background(const std::string& program, const std::string& argument) {
    return {{program, "127.0.0.1:" + std::to_string(node_->caf_port()), argument}, program + ".log"};
  }
};

TEST_F(InstalledPackageTest, ExamplesLoseNothingWhenTheNodeIsKilled) {
  auto worker_program = built("attach_worker");
  auto client_program = built("attach_client");
  ASSERT_FALSE(HasFatalFailure());
  auto worker = in_background(worker_program, "4");
  ASSERT_TRUE(support::eventually([&] { return worker.output().find("serving resize") != std::string::npos; }))
    << worker.output();
  auto program = in_background(client_program, "200");
  ASSERT_TRUE(support::eventually([&] { return program.output().find("submitted 200") != std::string::npos; }))
    << program.output();
  auto completed = [&] { return client_->object("/stats").at("total_completed").to_number<int>(); };
  ASSERT_TRUE(support::eventually([&] { return completed() > 20; }));
  node_->kill();
  start();
  EXPECT_EQ(program.wait(std::chrono::seconds{120}), 0) << program.output();
  EXPECT_NE(program.output().find("completed 200"), std::string::npos) << program.output();
  EXPECT_EQ(completed(), 200);
  EXPECT_EQ(client_->object("/keys/attach_client/completed").at("value").as_string(), "200");
  EXPECT_EQ(worker.stop(), 0) << worker.output();
}

} // namespace

} // namespace overwatch
