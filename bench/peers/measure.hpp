// What the peers' programs share: how a step is timed and printed, and how the command line is read.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace measure
{
struct options {
    int threads = 1;
    double seconds = 1;
    std::vector<std::string> cases;
};

inline options read(int argc, char **argv)
{
    options given;
    for (int i = 1; i < argc; i++) {
        std::string word = argv[i];
        if (word == "--threads" && i + 1 < argc)
            given.threads = std::atoi(argv[++i]);
        else if (word == "--seconds" && i + 1 < argc)
            given.seconds = std::atof(argv[++i]);
        else
            given.cases.push_back(word);
    }
    return given;
}

// Runs the step until the time is over, at least five times, and prints the JSON object of this case.
inline void report(const options &given, const std::string &name, const std::string &peer, const std::function<void()> &step)
{
    using clock = std::chrono::steady_clock;
    for (int i = 0; i < 3; i++)
        step();
    std::vector<double> times;
    auto end = clock::now() + std::chrono::duration<double>(given.seconds);
    while (clock::now() < end || times.size() < 5) {
        auto start = clock::now();
        step();
        times.push_back(std::chrono::duration<double, std::milli>(clock::now() - start).count());
    }
    std::sort(times.begin(), times.end());
    std::printf("{\"case\": \"%s\", \"peer\": \"%s\", \"threads\": %d, \"ms\": %.6g, \"min_ms\": %.6g, \"runs\": %zu}\n", name.c_str(),
                peer.c_str(), given.threads, times[times.size() / 2], times[0], times.size());
    std::fflush(stdout);
}
} // namespace measure
