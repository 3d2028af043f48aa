// The benchmark's workloads in PyTorch's C++ interface, where Python's own cost is not counted.
// usage: libtorch_bench [--threads N] [--seconds S] CASE...
#include "measure.hpp"

#include <torch/torch.h>

#include <map>

namespace nn = torch::nn;
namespace F = torch::nn::functional;

static const int chain = 3334;

// One step of SGD: forward, backward, update.
template <class Loss> static std::function<void()> training(nn::Sequential net, Loss loss, torch::Tensor x, torch::Tensor t)
{
    auto optimizer = std::make_shared<torch::optim::SGD>(net->parameters(), 0.1);
    return [=]() mutable {
        optimizer->zero_grad();
        loss(net->forward(x), t).backward();
        optimizer->step();
    };
}

static std::function<void()> mlp_book()
{
    auto loss = [](const torch::Tensor &score, const torch::Tensor &t) { return F::cross_entropy(score, t); };
    nn::Sequential net(nn::Linear(784, 50), nn::Sigmoid(), nn::Linear(50, 10));
    return training(net, loss, torch::rand({100, 784}), torch::randint(10, {100}, torch::kLong));
}

static std::function<void()> mlp_xor()
{
    auto loss = [](const torch::Tensor &y, const torch::Tensor &t) { return F::mse_loss(y, t); };
    nn::Sequential net(nn::Linear(2, 8), nn::Tanh(), nn::Linear(8, 1));
    return training(net, loss, torch::rand({4, 2}), torch::rand({4, 1}));
}

static std::function<void()> elementwise()
{
    auto x = torch::rand({10000000}, torch::requires_grad());
    return [=]() mutable {
        x.mutable_grad() = torch::Tensor();
        (torch::tanh(2 * x + 1) * torch::sigmoid(x)).sum().backward();
    };
}

static std::function<void()> scalar_chain_anew()
{
    auto x = torch::full({}, 0.5, torch::dtype(torch::kFloat64).requires_grad(true));
    return [=]() mutable {
        x.mutable_grad() = torch::Tensor();
        auto y = x;
        for (int i = 0; i < chain; i++)
            y = torch::tanh(y * 1.01 + 0.01);
        y.backward();
    };
}

int main(int argc, char **argv)
{
    const std::map<std::string, std::function<void()> (*)()> cases = {
        {"mlp_book", mlp_book}, {"mlp_xor", mlp_xor}, {"elementwise", elementwise}, {"scalar_chain_anew", scalar_chain_anew}};
    auto given = measure::read(argc, argv);
    torch::set_num_threads(given.threads);
    torch::manual_seed(0);
    for (const auto &name : given.cases) {
        auto found = cases.find(name);
        if (found == cases.end()) {
            std::fprintf(stderr, "libtorch_bench: no case '%s'\n", name.c_str());
            return 2;
        }
        measure::report(given, name, "PyTorch C++", found->second());
    }
    return 0;
}
