/* What the tests of cepman.hpp share: checks that print TAP. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdio>
#include <exception>
#include <initializer_list>
#include <string>

namespace
{

int number;

void check(bool good, const char *what)
{
    number++;
    std::printf("%sok %d - %s\n", good ? "" : "not ", number, what);
}

/* The exception of type E that f throws, as text; "none" when it throws nothing, "other" for another type. */
template <class E, class F> std::string thrown(F &&f)
{
    try {
        f();
    } catch (const E &e) {
        return e.what();
    } catch (...) {
        return "other";
    }
    return "none";
}

/* Runs the tests; an exception that leaves one is a failure. What main() returns: TAP has the failures. */
int run(std::initializer_list<void (*)()> tests)
{
    for (void (*test)() : tests) {
        try {
            test();
        } catch (const std::exception &e) {
            std::printf("not ok %d - stopped by: %s\n", ++number, e.what());
        }
    }
    std::printf("1..%d\n", number);
    return 0;
}

} // namespace

#endif
