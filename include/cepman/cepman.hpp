/* libcepman from C++17: handles that give themselves back, spans, failures as exceptions.
 *
 * Inline over the C ABI and nothing else: no object code, so a program built with it stays good for as long as the
 * C ABI does. Every class holds one reference to a handle of the C library; copies share it (atomic count), get() lends
 * it to C calls, adopt() takes a reference that C code gave. The C headers say what each call does, its options,
 * ranges and errors; names here are theirs without the prefix.
 *
 *   cepman::context ctx(0);                                  // all CPUs
 *   auto scan = cepman::dataset::open(ctx, "scan.mib");
 *   auto features = cepman::cepstrum::create(ctx, scan).run(ctx, scan);
 *   auto embedding = cepman::umap::fit(ctx, features, cepman::umap::options(ctx).set("dims", 2)).embedding();
 *
 * A failure throws cepman::error with the library's sentence and status; a cancelled call throws cepman::cancelled. An
 * exception that leaves a callback of the context (log, progress, poll, executor) ends the call and is thrown again
 * out of it; one that leaves a frame source is the failure CEPMAN_ERR_CALLBACK. None passes through C. */
#ifndef CEPMAN_CEPMAN_HPP
#define CEPMAN_CEPMAN_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <cepman/cepman.h>

namespace cepman
{

/* A view of count numbers; it owns nothing. */
template <class T> class span
{
  public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }
    template <
        class Container,
        class = std::enable_if_t<std::is_convertible_v<decltype(std::declval<Container &>().data()), T *> &&
                                 !std::is_same_v<std::remove_cv_t<std::remove_reference_t<Container>>, span>>>
    constexpr span(Container &&container) : data_(container.data()), size_(container.size())
    {
    }
    constexpr T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr T *begin() const noexcept
    {
        return data_;
    }
    constexpr T *end() const noexcept
    {
        return data_ + size_;
    }
    constexpr T &operator[](std::size_t i) const noexcept
    {
        return data_[i];
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/* The library that is loaded, and the FFTW and OpenBLAS it uses. */
struct versions {
    std::string library, fftw, openblas;
    int number;
};
inline versions loaded_versions()
{
    return {cepman_version(), cepman_fftw_version(), cepman_openblas_version(), cepman_version_number()};
}

class error : public std::runtime_error
{
  public:
    error(cepman_status status, const std::string &sentence) : std::runtime_error(sentence), status_(status)
    {
    }
    cepman_status status() const noexcept
    {
        return status_;
    }

  private:
    cepman_status status_;
};

class cancelled : public error
{
  public:
    using error::error;
};

/* A host's threads: run() calls task(argument, i) for i = 0 .. count-1, each once, on any threads, and returns when all
 * are done. An exception from run() ends the call; one inside its threads is its own business. */
class executor
{
  public:
    virtual ~executor() = default;
    virtual unsigned concurrency() = 0;
    virtual void run(void (*task)(void *argument, std::size_t index), void *argument, std::size_t count) = 0;
};

namespace detail
{

/* One reference to T. Derived is the class that inherits. */
template <class Derived, class T, T *(*Ref)(T *), void (*Unref)(T *)> class handle
{
  public:
    using c_type = T;

    handle() noexcept = default;
    handle(const handle &other) noexcept : pointer_(other.pointer_ ? Ref(other.pointer_) : nullptr)
    {
    }
    handle(handle &&other) noexcept : pointer_(std::exchange(other.pointer_, nullptr))
    {
    }
    handle &operator=(handle other) noexcept
    {
        std::swap(pointer_, other.pointer_);
        return *this;
    }
    ~handle()
    {
        Unref(pointer_);
    }
    /* Takes the caller's reference. */
    static Derived adopt(T *owned) noexcept
    {
        Derived made;
        static_cast<handle &>(made).pointer_ = owned;
        return made;
    }
    /* Adds a reference to what belongs to somebody else. */
    static Derived share(T *lent) noexcept
    {
        return adopt(lent ? Ref(lent) : nullptr);
    }
    /* Lent: valid as long as this object. NULL when it is empty or was moved from. */
    T *get() const noexcept
    {
        return pointer_;
    }
    explicit operator bool() const noexcept
    {
        return pointer_ != nullptr;
    }

  private:
    T *pointer_ = nullptr;
};

/* The same for handles that are not shared by count. */
template <class Derived, class T, void (*Unref)(T *)> class sole
{
  public:
    using c_type = T;

    static Derived adopt(T *owned) noexcept
    {
        Derived made;
        static_cast<sole &>(made).pointer_.reset(owned);
        return made;
    }
    T *get() const noexcept
    {
        return pointer_.get();
    }
    explicit operator bool() const noexcept
    {
        return pointer_ != nullptr;
    }

  private:
    struct end {
        void operator()(T *pointer) const noexcept
        {
            Unref(pointer);
        }
    };
    std::unique_ptr<T, end> pointer_;
};

template <class T> struct type_of;
template <> struct type_of<std::uint8_t> : std::integral_constant<cepman_type, CEPMAN_TYPE_U8> {
};
template <> struct type_of<std::int8_t> : std::integral_constant<cepman_type, CEPMAN_TYPE_I8> {
};
template <> struct type_of<std::uint16_t> : std::integral_constant<cepman_type, CEPMAN_TYPE_U16> {
};
template <> struct type_of<std::int16_t> : std::integral_constant<cepman_type, CEPMAN_TYPE_I16> {
};
template <> struct type_of<std::uint32_t> : std::integral_constant<cepman_type, CEPMAN_TYPE_U32> {
};
template <> struct type_of<std::int32_t> : std::integral_constant<cepman_type, CEPMAN_TYPE_I32> {
};
template <> struct type_of<std::int64_t> : std::integral_constant<cepman_type, CEPMAN_TYPE_I64> {
};
template <> struct type_of<float> : std::integral_constant<cepman_type, CEPMAN_TYPE_F32> {
};
template <> struct type_of<double> : std::integral_constant<cepman_type, CEPMAN_TYPE_F64> {
};

/* Throws when a span does not hold rows x columns numbers. */
inline void expect_rows(std::size_t size, std::size_t rows, std::size_t columns)
{
    if (columns ? size / columns != rows || size % columns : size)
        throw error(CEPMAN_ERR_SHAPE, "the span has " + std::to_string(size) + " numbers, expected " +
                                          std::to_string(rows) + " x " + std::to_string(columns));
}

/* What the callbacks of a context reach: the functions, and the exception that one of them threw. */
struct context_state {
    cepman_context *pointer = nullptr;
    std::function<void(cepman_log_level, std::string_view)> log;
    std::function<void(std::string_view, std::uint64_t, std::uint64_t)> progress;
    std::function<bool()> poll;
    std::shared_ptr<cepman::executor> executor;
    std::exception_ptr thrown;

    context_state() = default;
    context_state(const context_state &) = delete;
    context_state &operator=(const context_state &) = delete;
    ~context_state()
    {
        cepman_context_unref(pointer);
    }

    template <class F> bool guarded(F &&call) noexcept
    {
        try {
            call();
            return true;
        } catch (...) {
            if (!thrown) thrown = std::current_exception();
            return false;
        }
    }
    static void on_log(void *user, cepman_log_level level, const char *line)
    {
        auto &state = *static_cast<context_state *>(user);
        if (!state.guarded([&] { state.log(level, line); })) cepman_context_cancel(state.pointer);
    }
    static void on_progress(void *user, const char *stage, std::uint64_t done, std::uint64_t total)
    {
        auto &state = *static_cast<context_state *>(user);
        if (!state.guarded([&] { state.progress(stage, done, total); })) cepman_context_cancel(state.pointer);
    }
    static int on_poll(void *user)
    {
        auto &state = *static_cast<context_state *>(user);
        bool stop = true;
        state.guarded([&] { stop = state.poll(); });
        return stop;
    }
    static unsigned concurrency(void *user)
    {
        auto &state = *static_cast<context_state *>(user);
        unsigned count = 0;
        state.guarded([&] { count = state.executor->concurrency(); });
        return count;
    }
    static int run(void *user, void (*task)(void *, std::size_t), void *argument, std::size_t count)
    {
        auto &state = *static_cast<context_state *>(user);
        return state.guarded([&] { state.executor->run(task, argument, count); }) ? 0 : 1;
    }
};

} // namespace detail

/* One per thread. Copies are the same context. */
class context
{
  public:
    /* threads: 1 to 1024, or 0 for the CPUs this process may use. allocator: NULL for the C library's. */
    explicit context(unsigned threads = 1, const cepman_allocator *allocator = nullptr)
        : state_(std::make_shared<detail::context_state>())
    {
        const cepman_status status = cepman_context_create(&state_->pointer, allocator);
        if (status == CEPMAN_ERR_MEMORY) throw std::bad_alloc();
        check(status);
        set_threads(threads);
    }

    /* No context: for what is empty. */
    static context none() noexcept
    {
        return context(nothing{});
    }

    cepman_context *get() const noexcept
    {
        return state_ ? state_->pointer : nullptr;
    }

    void set_threads(unsigned threads)
    {
        check(cepman_context_set_threads(get(), threads));
    }
    unsigned threads() const noexcept
    {
        return cepman_context_threads(get());
    }
    /* An empty pointer goes back to the library's own threads. */
    void set_executor(std::shared_ptr<cepman::executor> host)
    {
        const cepman_executor table = {sizeof table, state_.get(), detail::context_state::concurrency,
                                       detail::context_state::run};
        std::swap(state_->executor, host); /* the old one lives to the end of this call */
        const cepman_status status = cepman_context_set_executor(get(), state_->executor ? &table : nullptr);
        if (status != CEPMAN_OK) std::swap(state_->executor, host);
        check(status);
    }
    void set_planner_lock(const cepman_planner_lock *lock)
    {
        check(cepman_context_set_planner_lock(get(), lock));
    }

    void on_log(std::function<void(cepman_log_level, std::string_view)> function,
                cepman_log_level level = CEPMAN_LOG_INFO)
    {
        state_->log = std::move(function);
        check(cepman_context_set_log(get(), state_->log ? detail::context_state::on_log : nullptr,
                                     state_.get(), level));
    }
    void on_progress(std::function<void(std::string_view, std::uint64_t, std::uint64_t)> function)
    {
        state_->progress = std::move(function);
        check(cepman_context_set_progress(
            get(), state_->progress ? detail::context_state::on_progress : nullptr, state_.get()));
    }
    /* Asked at least every 100 ms; true stops the call, which throws cancelled. */
    void on_poll(std::function<bool()> function)
    {
        state_->poll = std::move(function);
        check(cepman_context_set_cancel(get(), state_->poll ? detail::context_state::on_poll : nullptr,
                                        state_.get()));
    }
    /* From any thread. */
    void cancel() const noexcept
    {
        cepman_context_cancel(get());
    }
    void clear_cancel() const noexcept
    {
        cepman_context_clear_cancel(get());
    }

    void set_memory_limit(std::size_t bytes)
    {
        check(cepman_context_set_memory_limit(get(), bytes));
    }
    std::size_t memory_used() const noexcept
    {
        return cepman_context_memory_used(get());
    }
    std::size_t memory_peak() const noexcept
    {
        return cepman_context_memory_peak(get());
    }
    void set_cpu_level(const char *level)
    {
        check(cepman_context_set_cpu_level(get(), level));
    }
    const char *cpu_level() const noexcept
    {
        return cepman_context_cpu_level(get());
    }

    /* For libraries that are built on this one: memory that is counted and limited (NULL never comes back), a failure of
     * their own, cancel and progress. */
    std::unique_ptr<void, void (*)(void *)> allocate(std::size_t bytes, const char *what = nullptr) const
    {
        void *block = nullptr;
        check(cepman_context_allocate(&block, get(), bytes, 1, what));
        return {block, cepman_context_release};
    }
    void fail(cepman_status status, const std::string &sentence) const
    {
        check(cepman_context_fail(get(), status, sentence.c_str()));
    }
    void poll() const
    {
        check(cepman_context_poll(get()));
    }
    void report(const char *stage, std::uint64_t done, std::uint64_t total) const
    {
        cepman_context_report(get(), stage, done, total);
    }

    /* Throws what a status says, or what a callback threw during the call. */
    void check(cepman_status status) const
    {
        if (state_ && state_->thrown) {
            cepman_context_clear_cancel(get());
            std::rethrow_exception(std::exchange(state_->thrown, nullptr));
        }
        if (status == CEPMAN_OK) return;
        const std::string sentence = get() ? cepman_context_error(get()) : "";
        const std::string text = sentence.empty() ? cepman_status_text(status) : sentence;
        if (status == CEPMAN_ERR_CANCELLED) throw cancelled(status, text);
        throw error(status, text);
    }
    /* Calls f(&out, context, arguments...) of the C library and owns what it made, as a Handle of this header. */
    template <class Handle, class F, class... Arguments> Handle make(F f, Arguments &&...arguments) const
    {
        typename Handle::c_type *out = nullptr;
        const cepman_status status = f(&out, get(), std::forward<Arguments>(arguments)...);
        Handle made = Handle::adopt(out);
        check(status);
        return made;
    }

  private:
    struct nothing {
    };
    explicit context(nothing) noexcept
    {
    }
    std::shared_ptr<detail::context_state> state_;
};

/* Named settings of one stage; the stage's class makes its own kind: umap::options(ctx).set("dims", 2). */
class options : public detail::handle<options, cepman_options, cepman_options_ref, cepman_options_unref>
{
  public:
    /* Empty: defaults, wherever options are taken. */
    options() = default;
    /* create: cepman_umap_options_create or its like. */
    options(const context &ctx, cepman_status (*create)(cepman_options **, cepman_context *))
        : options(ctx.make<options>(create))
    {
        context_ = ctx;
    }
    /* An independent copy. */
    options copy() const
    {
        options made = context_.make<options>(cepman_options_copy, get());
        made.context_ = context_;
        return made;
    }

    template <class T> options &set(const char *name, const T &value)
    {
        if constexpr (std::is_same_v<T, bool>)
            context_.check(cepman_options_set_flag(get(), context_.get(), name, value));
        else if constexpr (std::is_integral_v<T>)
            context_.check(cepman_options_set_integer(get(), context_.get(), name, value));
        else if constexpr (std::is_floating_point_v<T>)
            context_.check(cepman_options_set_real(get(), context_.get(), name, static_cast<double>(value)));
        else
            context_.check(cepman_options_parse(get(), context_.get(), name, std::string(value).c_str()));
        return *this;
    }
    bool flag(const char *name) const
    {
        int value = 0;
        context_.check(cepman_options_get_flag(get(), context_.get(), name, &value));
        return value != 0;
    }
    std::int64_t integer(const char *name) const
    {
        std::int64_t value = 0;
        context_.check(cepman_options_get_integer(get(), context_.get(), name, &value));
        return value;
    }
    double real(const char *name) const
    {
        double value = 0;
        context_.check(cepman_options_get_real(get(), context_.get(), name, &value));
        return value;
    }
    std::string text(const char *name) const
    {
        const char *value = nullptr;
        context_.check(cepman_options_get_text(get(), context_.get(), name, &value));
        return value;
    }
    const char *kind() const noexcept
    {
        return cepman_options_kind(get());
    }
    std::size_t size() const noexcept
    {
        return cepman_options_count(get());
    }
    /* The table, by index below size(). */
    const char *name(std::size_t i) const noexcept
    {
        return cepman_options_name(get(), i);
    }
    const char *help(std::size_t i) const noexcept
    {
        return cepman_options_help(get(), i);
    }
    cepman_option_type type(std::size_t i) const noexcept
    {
        return cepman_options_type(get(), i);
    }
    double minimum(std::size_t i) const noexcept
    {
        return cepman_options_minimum(get(), i);
    }
    double maximum(std::size_t i) const noexcept
    {
        return cepman_options_maximum(get(), i);
    }
    const char *choices(std::size_t i) const noexcept
    {
        return cepman_options_choices(get(), i);
    }
    bool is_set(std::size_t i) const noexcept
    {
        return cepman_options_is_set(get(), i) != 0;
    }
    std::string format(std::size_t i) const
    {
        std::string value(cepman_options_format(get(), i, nullptr, 0), '\0');
        cepman_options_format(get(), i, value.data(), value.size() + 1);
        return value;
    }

  private:
    context context_ = context::none();
};

/* n rows of d float32. */
class matrix : public detail::handle<matrix, cepman_matrix, cepman_matrix_ref, cepman_matrix_unref>
{
  public:
    /* A copy of packed rows. */
    static matrix copy(const context &ctx, span<const float> data, std::size_t rows, std::size_t columns)
    {
        detail::expect_rows(data.size(), rows, columns);
        return ctx.make<matrix>(cepman_matrix_copy, data.data(), rows, columns, columns);
    }
    /* Takes a vector of packed rows over, without a copy. */
    static matrix take(const context &ctx, std::vector<float> data, std::size_t rows, std::size_t columns)
    {
        detail::expect_rows(data.size(), rows, columns);
        auto kept = std::make_unique<std::vector<float>>(std::move(data));
        const float *first = kept->data();
        const auto destroy = [](void *user) { delete static_cast<std::vector<float> *>(user); };
        matrix made = ctx.make<matrix>(cepman_matrix_wrap, first, rows, columns, columns,
                                       static_cast<cepman_destroy>(destroy), static_cast<void *>(kept.get()));
        kept.release();
        return made;
    }
    static matrix load(const context &ctx, const std::string &path)
    {
        return ctx.make<matrix>(cepman_matrix_load, path.c_str());
    }
    /* Rows that stay in the file, for features beyond memory. */
    static matrix map(const context &ctx, const std::string &path)
    {
        return ctx.make<matrix>(cepman_matrix_map, path.c_str());
    }
    /* A copy with numbers of type F32 or F16. */
    matrix convert(const context &ctx, cepman_type to) const
    {
        return ctx.make<matrix>(cepman_matrix_convert, get(), to);
    }
    cepman_type type() const noexcept
    {
        return cepman_matrix_type(get());
    }
    /* Rows first .. first + count - 1, packed, as float32 whatever the type. */
    std::vector<float> read(const context &ctx, std::size_t first, std::size_t count) const
    {
        if (count > rows() || first > rows() - count)
            throw error(CEPMAN_ERR_RANGE, "rows " + std::to_string(first) + " + " + std::to_string(count) +
                                              " are asked for, the matrix has " + std::to_string(rows()));
        std::vector<float> out(count * columns());
        ctx.check(cepman_matrix_read(get(), ctx.get(), first, count, out.data(), columns()));
        return out;
    }
    void save(const context &ctx, const std::string &path) const
    {
        ctx.check(cepman_matrix_save(get(), ctx.get(), path.c_str()));
    }
    matrix select(const context &ctx, span<const std::size_t> rows) const
    {
        return ctx.make<matrix>(cepman_matrix_select, get(), rows.data(), rows.size());
    }
    std::size_t rows() const noexcept
    {
        return cepman_matrix_rows(get());
    }
    std::size_t columns() const noexcept
    {
        return cepman_matrix_columns(get());
    }
    /* Empty when i is out of range. */
    span<const float> row(std::size_t i) const noexcept
    {
        const float *data = cepman_matrix_row(get(), i);
        return {data, data ? columns() : 0};
    }
};

class labels : public detail::handle<labels, cepman_labels, cepman_labels_ref, cepman_labels_unref>
{
  public:
    static labels copy(const context &ctx, span<const std::int32_t> values)
    {
        return ctx.make<labels>(cepman_labels_copy, values.data(), values.size());
    }
    static labels load(const context &ctx, const std::string &path)
    {
        return ctx.make<labels>(cepman_labels_load, path.c_str());
    }
    /* rows 0: a plain list. */
    void save(const context &ctx, const std::string &path, std::size_t rows = 0,
              std::size_t columns = 0) const
    {
        ctx.check(cepman_labels_save(get(), ctx.get(), path.c_str(), rows, columns));
    }
    span<const std::int32_t> values() const noexcept
    {
        return {cepman_labels_data(get()), cepman_labels_count(get())};
    }
    std::size_t clusters() const noexcept
    {
        return cepman_labels_clusters(get());
    }
    std::size_t noise() const noexcept
    {
        return cepman_labels_noise(get());
    }
};

/* Writes one .npy piece by piece; without commit() nothing appears. */
class npy_writer : public detail::sole<npy_writer, cepman_npy_writer, cepman_npy_writer_unref>
{
  public:
    static npy_writer create(const context &ctx, const std::string &path, cepman_type type,
                             span<const std::size_t> shape)
    {
        return ctx.make<npy_writer>(cepman_npy_writer_create, path.c_str(), type, shape.size(), shape.data());
    }
    void append(const context &ctx, const void *data, std::size_t count)
    {
        ctx.check(cepman_npy_writer_append(get(), ctx.get(), data, count));
    }
    void commit(const context &ctx)
    {
        ctx.check(cepman_npy_writer_commit(get(), ctx.get()));
    }
};

/* A host's frames: read() writes `count` packed frames from `first` on; it may be called on any thread, from several at
 * once when concurrent() says so. An exception makes the call that reads fail with CEPMAN_ERR_CALLBACK. */
class frame_source
{
  public:
    virtual ~frame_source() = default;
    virtual void read(std::size_t first, std::size_t count, void *destination) = 0;
    /* Frames ready now; they only grow. */
    virtual std::size_t available() = 0;
    virtual bool concurrent() const
    {
        return false;
    }
};

/* scan x frame. */
class dataset : public detail::handle<dataset, cepman_dataset, cepman_dataset_ref, cepman_dataset_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_dataset_options_create};
    }
    static dataset open(const context &ctx, const std::string &path, const cepman::options &how = {})
    {
        return ctx.make<dataset>(cepman_dataset_open, path.c_str(), how.get());
    }
    /* Borrows frames, which must stay until the dataset is gone. scan_rows 0: a stack of scan_columns frames. */
    template <class T>
    static dataset wrap(const context &ctx, span<const T> frames, std::size_t scan_rows,
                        std::size_t scan_columns, std::size_t height, std::size_t width)
    {
        if (frames.size() != (scan_rows ? scan_rows : 1) * scan_columns * height * width)
            throw error(CEPMAN_ERR_SHAPE, "the span does not hold scan x frame numbers");
        return ctx.make<dataset>(cepman_dataset_wrap, frames.data(), detail::type_of<T>::value, scan_rows,
                                 scan_columns, height, width, nullptr, nullptr);
    }
    static dataset from_source(const context &ctx, std::shared_ptr<frame_source> host, cepman_type type,
                               std::size_t scan_rows, std::size_t scan_columns, std::size_t height,
                               std::size_t width)
    {
        using kept = std::shared_ptr<frame_source>;
        cepman_frame_source table = {};
        table.struct_size = sizeof table;
        table.concurrent = host->concurrent();
        table.read = [](void *user, std::size_t first, std::size_t count, void *destination) {
            try {
                (*static_cast<kept *>(user))->read(first, count, destination);
                return 0;
            } catch (...) {
                return 1;
            }
        };
        table.available = [](void *user) -> std::size_t {
            try {
                return (*static_cast<kept *>(user))->available();
            } catch (...) {
                return 0;
            }
        };
        table.destroy = [](void *user) { delete static_cast<kept *>(user); };
        auto user = std::make_unique<kept>(std::move(host));
        table.user = user.get();
        dataset made = ctx.make<dataset>(cepman_dataset_from_source, &table, type, scan_rows, scan_columns,
                                         height, width);
        user.release();
        return made;
    }

    dataset view_scan(const context &ctx, std::size_t first_row, std::size_t first_column, std::size_t rows,
                      std::size_t columns) const
    {
        return ctx.make<dataset>(cepman_dataset_view_scan, get(), first_row, first_column, rows, columns);
    }
    dataset view_detector(const context &ctx, std::size_t first_row, std::size_t first_column,
                          std::size_t height, std::size_t width) const
    {
        return ctx.make<dataset>(cepman_dataset_view_detector, get(), first_row, first_column, height, width);
    }
    dataset view_binned(const context &ctx, std::size_t factor) const
    {
        return ctx.make<dataset>(cepman_dataset_view_binned, get(), factor);
    }
    dataset view_masked(const context &ctx, span<const std::uint8_t> mask) const
    {
        if (mask.size() != height() * width())
            throw error(CEPMAN_ERR_SHAPE, "the mask does not have height x width bytes");
        return ctx.make<dataset>(cepman_dataset_view_masked, get(), mask.data());
    }
    /* Every frame moved by whole pixels to its direct beam. */
    dataset view_centred(const context &ctx) const
    {
        return ctx.make<dataset>(cepman_dataset_view_centred, get());
    }
    dataset view_calibrated(const context &ctx, double scan_step, double reciprocal_pixel) const
    {
        return ctx.make<dataset>(cepman_dataset_view_calibrated, get(), scan_step, reciprocal_pixel);
    }

    std::size_t scan_rows() const noexcept
    {
        return cepman_dataset_scan_rows(get());
    }
    std::size_t scan_columns() const noexcept
    {
        return cepman_dataset_scan_columns(get());
    }
    std::size_t frames() const noexcept
    {
        return cepman_dataset_frames(get());
    }
    std::size_t height() const noexcept
    {
        return cepman_dataset_height(get());
    }
    std::size_t width() const noexcept
    {
        return cepman_dataset_width(get());
    }
    cepman_type type() const noexcept
    {
        return cepman_dataset_type(get());
    }
    bool has_scan() const noexcept
    {
        return cepman_dataset_has_scan(get()) != 0;
    }
    std::size_t available() const noexcept
    {
        return cepman_dataset_available(get());
    }
    double scan_step() const noexcept
    {
        return cepman_dataset_scan_step(get());
    }
    double reciprocal_pixel() const noexcept
    {
        return cepman_dataset_reciprocal_pixel(get());
    }
    const char *format() const noexcept
    {
        return cepman_dataset_format(get());
    }
    /* Empty without a mask. */
    span<const std::uint8_t> mask() const noexcept
    {
        const std::uint8_t *bytes = cepman_dataset_mask(get());
        return {bytes, bytes ? height() * width() : 0};
    }

    /* count frames in their own type, packed; T must be that type. */
    template <class T> std::vector<T> read(const context &ctx, std::size_t first, std::size_t count) const
    {
        if (detail::type_of<T>::value != type())
            throw error(CEPMAN_ERR_ARGUMENT, std::string("the frames are ") + cepman_type_name(type()));
        std::vector<T> out(check_count(first, count) * height() * width());
        ctx.check(cepman_dataset_read(get(), ctx.get(), first, count, out.data(), out.size() * sizeof(T)));
        return out;
    }
    std::vector<float> read_f32(const context &ctx, std::size_t first, std::size_t count) const
    {
        std::vector<float> out(check_count(first, count) * height() * width());
        ctx.check(cepman_dataset_read_f32(get(), ctx.get(), first, count, out.data(), out.size()));
        return out;
    }

  private:
    std::size_t check_count(std::size_t first, std::size_t count) const
    {
        if (count > frames() || first > frames() - count)
            throw error(CEPMAN_ERR_RANGE, "frames " + std::to_string(first) + " + " + std::to_string(count) +
                                              " are asked for, the dataset has " + std::to_string(frames()));
        return count;
    }
};

/* Frames and results as EMD 1.0; without commit() nothing appears. */
class emd_writer : public detail::sole<emd_writer, cepman_emd_writer, cepman_emd_writer_unref>
{
  public:
    static emd_writer create(const context &ctx, const std::string &path, const dataset &scan)
    {
        return ctx.make<emd_writer>(cepman_emd_writer_create, path.c_str(), scan.get());
    }
    void frames(const context &ctx)
    {
        ctx.check(cepman_emd_writer_frames(get(), ctx.get()));
    }
    void array(const context &ctx, const std::string &name, cepman_type type, const std::string &axes,
               span<const std::size_t> shape, const void *data)
    {
        if (shape.size() != axes.size())
            throw std::invalid_argument("emd_writer::array: a length for each axis");
        ctx.check(
            cepman_emd_writer_array(get(), ctx.get(), name.c_str(), type, axes.c_str(), shape.data(), data));
    }
    void commit(const context &ctx)
    {
        ctx.check(cepman_emd_writer_commit(get(), ctx.get()));
    }
};

struct simulated {
    dataset scan;
    labels truth;
};

inline options simulate_options(const context &ctx)
{
    return {ctx, cepman_simulate_options_create};
}
inline simulated simulate(const context &ctx, const options &how = {})
{
    cepman_dataset *scan = nullptr;
    cepman_labels *truth = nullptr;
    const cepman_status status = cepman_simulate(&scan, &truth, ctx.get(), how.get());
    simulated made = {dataset::adopt(scan), labels::adopt(truth)};
    ctx.check(status);
    return made;
}

/* A simulated scan with everything that is true of it. */
class simulation
    : public detail::handle<simulation, cepman_simulation, cepman_simulation_ref, cepman_simulation_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_simulate_options_create};
    }
    static simulation scan(const context &ctx, const cepman::options &how = {})
    {
        return ctx.make<simulation>(cepman_simulate_scan, how.get());
    }
    cepman::dataset dataset() const noexcept
    {
        return cepman::dataset::share(cepman_simulation_dataset(get()));
    }
    labels truth() const noexcept
    {
        return labels::share(cepman_simulation_truth(get()));
    }
    labels boundary() const noexcept
    {
        return labels::share(cepman_simulation_boundary(get()));
    }
    matrix state() const noexcept
    {
        return matrix::share(cepman_simulation_state(get()));
    }
    /* Empty when all pixels are good. */
    span<const std::uint8_t> bad_pixels() const noexcept
    {
        const std::uint8_t *bytes = cepman_simulation_bad_pixels(get());
        return {bytes, bytes ? dataset().height() * dataset().width() : 0};
    }
};

class cepstrum : public detail::handle<cepstrum, cepman_cepstrum, cepman_cepstrum_ref, cepman_cepstrum_unref>
{
  public:
    struct coordinate {
        int y, x;
    };

    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_cepstrum_options_create};
    }
    static cepstrum create(const context &ctx, const dataset &scan, const cepman::options &how = {})
    {
        return ctx.make<cepstrum>(cepman_cepstrum_create, scan.get(), how.get());
    }
    /* mask: empty, or height * width bytes. */
    static cepstrum create_for(const context &ctx, std::size_t height, std::size_t width,
                               span<const std::uint8_t> mask = {}, double reciprocal_pixel = NAN,
                               const cepman::options &how = {})
    {
        if (!mask.empty() && mask.size() != height * width)
            throw error(CEPMAN_ERR_SHAPE, "the mask does not have height x width bytes");
        return ctx.make<cepstrum>(cepman_cepstrum_create_for, height, width,
                                  mask.empty() ? nullptr : mask.data(), reciprocal_pixel, how.get());
    }
    std::size_t features() const noexcept
    {
        return cepman_cepstrum_features(get());
    }
    coordinate at(const context &ctx, std::size_t feature) const
    {
        coordinate place = {};
        ctx.check(cepman_cepstrum_coordinate(get(), feature, &place.y, &place.x));
        return place;
    }
    std::size_t height() const noexcept
    {
        return cepman_cepstrum_height(get());
    }
    std::size_t width() const noexcept
    {
        return cepman_cepstrum_width(get());
    }
    std::size_t image_height() const noexcept
    {
        return cepman_cepstrum_image_height(get());
    }
    std::size_t image_width() const noexcept
    {
        return cepman_cepstrum_image_width(get());
    }
    double pixel() const noexcept
    {
        return cepman_cepstrum_pixel(get());
    }
    /* The options in force; read only, they carry no context for sentences. */
    cepman::options options_in_force(const context &ctx) const
    {
        return ctx.make<cepman::options>(cepman_cepstrum_options, get());
    }
    matrix run(const context &ctx, const dataset &scan) const
    {
        return ctx.make<matrix>(cepman_cepstrum_run, get(), scan.get());
    }
    /* Straight into a .npy file. */
    void run_file(const context &ctx, const dataset &scan, const std::string &path) const
    {
        ctx.check(cepman_cepstrum_run_file(get(), ctx.get(), scan.get(), path.c_str()));
    }
    /* Features of frames first .. first + count - 1 into packed rows. */
    void read(const context &ctx, const dataset &scan, std::size_t first, std::size_t count,
              span<float> rows) const
    {
        detail::expect_rows(rows.size(), count, features());
        ctx.check(cepman_cepstrum_read(get(), ctx.get(), scan.get(), first, count, rows.data(), features()));
    }
    dataset images(const context &ctx, const dataset &scan) const
    {
        return ctx.make<dataset>(cepman_cepstrum_dataset, get(), scan.get());
    }
};

/* Frames one by one: one worker per thread. */
class cepstrum_worker
    : public detail::sole<cepstrum_worker, cepman_cepstrum_worker, cepman_cepstrum_worker_unref>
{
  public:
    static cepstrum_worker create(const context &ctx, const cepstrum &transform)
    {
        return ctx.make<cepstrum_worker>(cepman_cepstrum_worker_create, transform.get());
    }
    /* Packed frames to packed rows of features. */
    template <class T> void run(const T *frames, std::size_t count, float *features, std::size_t stride)
    {
        const cepman_status status =
            cepman_cepstrum_run_frames(get(), frames, detail::type_of<T>::value, count, 0, features, stride);
        if (status != CEPMAN_OK) throw error(status, cepman_cepstrum_worker_error(get()));
    }
};

class pca : public detail::handle<pca, cepman_pca, cepman_pca_ref, cepman_pca_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_pca_options_create};
    }
    static pca fit(const context &ctx, const matrix &data, const cepman::options &how = {})
    {
        return ctx.make<pca>(cepman_pca_fit, data.get(), how.get());
    }
    /* Of numbers from elsewhere: vectors holds a packed row for each variance. */
    static pca copy(const context &ctx, span<const double> mean, span<const double> vectors,
                    span<const double> variance, double total_variance, bool whiten = false)
    {
        detail::expect_rows(vectors.size(), variance.size(), mean.size());
        return ctx.make<pca>(cepman_pca_copy, mean.size(), variance.size(), mean.data(), vectors.data(),
                             variance.data(), total_variance, whiten ? 1 : 0);
    }
    std::size_t size() const noexcept
    {
        return cepman_pca_components(get());
    }
    std::size_t features() const noexcept
    {
        return cepman_pca_features(get());
    }
    span<const double> mean() const noexcept
    {
        return {cepman_pca_mean(get()), features()};
    }
    span<const double> component(std::size_t i) const noexcept
    {
        const double *row = cepman_pca_component(get(), i);
        return {row, row ? features() : 0};
    }
    span<const double> variance() const noexcept
    {
        return {cepman_pca_variance(get()), size()};
    }
    double total_variance() const noexcept
    {
        return cepman_pca_total_variance(get());
    }
    matrix apply(const context &ctx, const matrix &data) const
    {
        return ctx.make<matrix>(cepman_pca_apply, get(), data.get());
    }
    /* Scores of packed rows, size() a row. */
    std::vector<float> project(const context &ctx, span<const float> rows) const
    {
        const std::size_t count = features() ? rows.size() / features() : 0;
        detail::expect_rows(rows.size(), count, features());
        std::vector<float> scores(count * size());
        ctx.check(
            cepman_pca_project(get(), ctx.get(), rows.data(), count, features(), scores.data(), size()));
        return scores;
    }
    matrix invert(const context &ctx, const matrix &scores) const
    {
        return ctx.make<matrix>(cepman_pca_invert, get(), scores.get());
    }
};

/* Components of rows that are not kept: add blocks in their order, then finish. */
class pca_accumulator
    : public detail::sole<pca_accumulator, cepman_pca_accumulator, cepman_pca_accumulator_unref>
{
  public:
    static pca_accumulator create(const context &ctx, std::size_t features)
    {
        pca_accumulator made = ctx.make<pca_accumulator>(cepman_pca_accumulator_create, features);
        made.features_ = features;
        return made;
    }
    /* Packed rows. */
    void add(const context &ctx, span<const float> rows)
    {
        const std::size_t count = features_ ? rows.size() / features_ : 0;
        detail::expect_rows(rows.size(), count, features_);
        ctx.check(cepman_pca_accumulator_add(get(), ctx.get(), rows.data(), count, features_));
    }
    std::size_t rows() const noexcept
    {
        return cepman_pca_accumulator_rows(get());
    }
    pca finish(const context &ctx, const cepman::options &how = {})
    {
        return ctx.make<pca>(cepman_pca_accumulator_finish, get(), how.get());
    }
    /* The sums of the rows so far, for merge() of another accumulator. */
    std::vector<double> sums(const context &ctx)
    {
        std::vector<double> numbers(cepman_pca_accumulator_numbers(get()));
        ctx.check(cepman_pca_accumulator_export(get(), ctx.get(), numbers.data()));
        return numbers;
    }
    void merge(const context &ctx, span<const double> numbers)
    {
        detail::expect_rows(numbers.size(), 1, cepman_pca_accumulator_numbers(get()));
        ctx.check(cepman_pca_accumulator_merge(get(), ctx.get(), numbers.data()));
    }
    void reset() noexcept
    {
        cepman_pca_accumulator_reset(get());
    }

  private:
    std::size_t features_ = 0;
};

class vae : public detail::handle<vae, cepman_vae, cepman_vae_ref, cepman_vae_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_vae_options_create};
    }
    static vae fit(const context &ctx, const matrix &data, const cepman::options &how = {})
    {
        return ctx.make<vae>(cepman_vae_fit, data.get(), how.get());
    }
    std::size_t dims() const noexcept
    {
        return cepman_vae_dims(get());
    }
    std::size_t features() const noexcept
    {
        return cepman_vae_features(get());
    }
    /* One number for each pass over the rows. */
    span<const double> reconstruction() const noexcept
    {
        return {cepman_vae_reconstruction(get()), cepman_vae_epochs(get())};
    }
    span<const double> divergence() const noexcept
    {
        return {cepman_vae_divergence(get()), cepman_vae_epochs(get())};
    }
    matrix embedding() const noexcept
    {
        return matrix::share(cepman_vae_embedding(get()));
    }
    matrix apply(const context &ctx, const matrix &data) const
    {
        return ctx.make<matrix>(cepman_vae_apply, get(), data.get());
    }
    matrix decode(const context &ctx, const matrix &latent) const
    {
        return ctx.make<matrix>(cepman_vae_decode, get(), latent.get());
    }
};

class neighbors
    : public detail::handle<neighbors, cepman_neighbors, cepman_neighbors_ref, cepman_neighbors_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_neighbors_options_create};
    }
    static neighbors build(const context &ctx, const matrix &data, const cepman::options &how = {})
    {
        return ctx.make<neighbors>(cepman_neighbors_build, data.get(), how.get());
    }
    /* A graph of the caller's: n rows of k. */
    static neighbors copy(const context &ctx, std::size_t n, std::size_t k, span<const std::int32_t> indices,
                          span<const float> distances)
    {
        if (indices.size() != n * k || distances.size() != n * k)
            throw error(CEPMAN_ERR_SHAPE, "indices and distances do not have n x k numbers");
        return ctx.make<neighbors>(cepman_neighbors_copy, n, k, indices.data(), distances.data());
    }
    /* Most bytes that build() takes beside the matrix. */
    static std::size_t memory(const context &ctx, std::size_t rows, std::size_t columns,
                              cepman_type type = CEPMAN_TYPE_F32, const cepman::options &how = {})
    {
        std::size_t bytes = 0;
        ctx.check(cepman_neighbors_memory(&bytes, ctx.get(), rows, columns, type, how.get()));
        return bytes;
    }
    std::size_t count() const noexcept
    {
        return cepman_neighbors_count(get());
    }
    std::size_t k() const noexcept
    {
        return cepman_neighbors_k(get());
    }
    span<const std::int32_t> indices() const noexcept
    {
        return {cepman_neighbors_indices(get()), count() * k()};
    }
    span<const float> distances() const noexcept
    {
        return {cepman_neighbors_distances(get()), count() * k()};
    }
    const char *method() const noexcept
    {
        return cepman_neighbors_method(get());
    }
    double recall() const noexcept
    {
        return cepman_neighbors_recall(get());
    }
};

/* Rows that new rows are compared with. */
class neighbors_index : public detail::handle<neighbors_index, cepman_neighbors_index,
                                              cepman_neighbors_index_ref, cepman_neighbors_index_unref>
{
  public:
    struct answer {
        std::vector<std::int32_t> indices; /* k() a row */
        std::vector<float> distances;
    };

    static neighbors_index create(const context &ctx, const matrix &data, const cepman::options &how = {})
    {
        return ctx.make<neighbors_index>(cepman_neighbors_index_create, data.get(), how.get());
    }
    answer query(const context &ctx, const matrix &rows) const
    {
        answer found = {std::vector<std::int32_t>(rows.rows() * k()), std::vector<float>(rows.rows() * k())};
        ctx.check(cepman_neighbors_index_query(get(), ctx.get(), rows.get(), found.indices.data(),
                                               found.distances.data()));
        return found;
    }
    std::size_t count() const noexcept
    {
        return cepman_neighbors_index_count(get());
    }
    std::size_t columns() const noexcept
    {
        return cepman_neighbors_index_columns(get());
    }
    std::size_t k() const noexcept
    {
        return cepman_neighbors_index_k(get());
    }
    const char *method() const noexcept
    {
        return cepman_neighbors_index_method(get());
    }
    double recall() const noexcept
    {
        return cepman_neighbors_index_recall(get());
    }
};

class umap : public detail::handle<umap, cepman_umap, cepman_umap_ref, cepman_umap_unref>
{
  public:
    struct curve_parameters {
        double a, b;
    };

    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_umap_options_create};
    }
    static umap fit(const context &ctx, const matrix &data, const cepman::options &how = {})
    {
        return ctx.make<umap>(cepman_umap_fit, data.get(), how.get());
    }
    static umap fit_graph(const context &ctx, const matrix &data, const neighbors &graph,
                          const cepman::options &how = {})
    {
        return ctx.make<umap>(cepman_umap_fit_graph, data.get(), graph.get(), how.get());
    }
    /* data or graph may be empty, not both; target and start may be empty. */
    static umap fit_given(const context &ctx, const matrix &data, const neighbors &graph,
                          const labels &target, const matrix &start, const cepman::options &how = {})
    {
        return ctx.make<umap>(cepman_umap_fit_given, data.get(), graph.get(), target.get(), start.get(),
                              how.get());
    }
    /* Of an embedding that exists; data or graph may be empty, not both. */
    static umap from_embedding(const context &ctx, const matrix &data, const neighbors &graph,
                               const matrix &embedding, const cepman::options &how = {})
    {
        return ctx.make<umap>(cepman_umap_from_embedding, data.get(), graph.get(), embedding.get(),
                              how.get());
    }
    static umap load(const context &ctx, const std::string &path)
    {
        return ctx.make<umap>(cepman_umap_load, path.c_str());
    }
    void save(const context &ctx, const std::string &path) const
    {
        ctx.check(cepman_umap_save(get(), ctx.get(), path.c_str()));
    }
    /* Makes now what the first apply() would make. */
    void prepare(const context &ctx) const
    {
        ctx.check(cepman_umap_prepare(get(), ctx.get()));
    }
    /* Places new rows. */
    matrix apply(const context &ctx, const matrix &rows) const
    {
        return ctx.make<matrix>(cepman_umap_apply, get(), rows.get());
    }
    /* Empty when it was fitted to a graph alone. */
    matrix features() const noexcept
    {
        return matrix::share(cepman_umap_features(get()));
    }
    /* The fuzzy graph, compressed rows: starts has a number more than there are rows. */
    span<const std::size_t> graph_starts() const noexcept
    {
        return {cepman_umap_graph_starts(get()), embedding().rows() + 1};
    }
    span<const std::int32_t> graph_columns() const noexcept
    {
        return {cepman_umap_graph_columns(get()), edges()};
    }
    span<const float> graph_weights() const noexcept
    {
        return {cepman_umap_graph_weights(get()), edges()};
    }
    matrix embedding() const noexcept
    {
        return matrix::share(cepman_umap_embedding(get()));
    }
    cepman::neighbors graph() const noexcept
    {
        return cepman::neighbors::share(cepman_umap_neighbors(get()));
    }
    curve_parameters curve() const noexcept
    {
        curve_parameters c = {};
        cepman_umap_curve(get(), &c.a, &c.b);
        return c;
    }
    std::size_t epochs() const noexcept
    {
        return cepman_umap_epochs(get());
    }

  private:
    std::size_t edges() const noexcept
    {
        return graph_starts()[embedding().rows()];
    }
};

class kmeans : public detail::handle<kmeans, cepman_kmeans, cepman_kmeans_ref, cepman_kmeans_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_kmeans_options_create};
    }
    /* centres: to start from, empty for k-means++. weights: empty, or one per row. */
    static kmeans fit(const context &ctx, const matrix &data, const cepman::options &how = {},
                      const matrix &centres = {}, span<const double> weights = {})
    {
        if (!weights.empty() && weights.size() != data.rows())
            throw error(CEPMAN_ERR_SHAPE, "weights and rows differ in number");
        return ctx.make<kmeans>(cepman_kmeans_fit, data.get(), centres.get(),
                                weights.empty() ? nullptr : weights.data(), how.get());
    }
    cepman::labels labels() const noexcept
    {
        return cepman::labels::share(cepman_kmeans_labels(get()));
    }
    matrix centres() const noexcept
    {
        return matrix::share(cepman_kmeans_centres(get()));
    }
    double inertia() const noexcept
    {
        return cepman_kmeans_inertia(get());
    }
    std::size_t iterations() const noexcept
    {
        return cepman_kmeans_iterations(get());
    }
    span<const double> history() const noexcept
    {
        return {cepman_kmeans_history(get()), iterations()};
    }
    bool converged() const noexcept
    {
        return cepman_kmeans_converged(get()) != 0;
    }
    cepman::labels apply(const context &ctx, const matrix &data) const
    {
        return ctx.make<cepman::labels>(cepman_kmeans_apply, get(), data.get());
    }
};

/* Mini-batch K-means of rows that come in blocks. */
class kmeans_stream : public detail::sole<kmeans_stream, cepman_kmeans_stream, cepman_kmeans_stream_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_kmeans_stream_options_create};
    }
    /* centres: to start from, or empty. */
    static kmeans_stream create(const context &ctx, std::size_t columns, const cepman::options &how = {},
                                const matrix &centres = {})
    {
        return ctx.make<kmeans_stream>(cepman_kmeans_stream_create, columns, centres.get(), how.get());
    }
    /* weights: empty, or one per row. */
    void add(const context &ctx, const matrix &rows, span<const double> weights = {})
    {
        if (!weights.empty() && weights.size() != rows.rows())
            throw error(CEPMAN_ERR_SHAPE, "weights and rows differ in number");
        ctx.check(cepman_kmeans_stream_add(get(), ctx.get(), rows.get(),
                                           weights.empty() ? nullptr : weights.data()));
    }
    std::uint64_t rows() const noexcept
    {
        return cepman_kmeans_stream_rows(get());
    }
    kmeans model(const context &ctx) const
    {
        return ctx.make<kmeans>(cepman_kmeans_stream_model, get());
    }
};

class mixture : public detail::handle<mixture, cepman_mixture, cepman_mixture_ref, cepman_mixture_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_mixture_options_create};
    }
    /* start: labels to start from, or empty. */
    static mixture fit(const context &ctx, const matrix &data, const cepman::options &how = {},
                       const cepman::labels &start = {})
    {
        return ctx.make<mixture>(cepman_mixture_fit, data.get(), start.get(), how.get());
    }
    cepman::labels labels() const noexcept
    {
        return cepman::labels::share(cepman_mixture_labels(get()));
    }
    std::size_t components() const noexcept
    {
        return cepman_mixture_components(get());
    }
    std::size_t columns() const noexcept
    {
        return cepman_mixture_columns(get());
    }
    bool diagonal() const noexcept
    {
        return cepman_mixture_diagonal(get()) != 0;
    }
    /* rows x components. */
    span<const double> responsibilities() const noexcept
    {
        return {cepman_mixture_responsibilities(get()), labels().values().size() * components()};
    }
    span<const double> weights() const noexcept
    {
        return {cepman_mixture_weights(get()), components()};
    }
    span<const double> means() const noexcept
    {
        return {cepman_mixture_means(get()), components() * columns()};
    }
    /* components x columns x columns, or components x columns when diagonal(). */
    span<const double> covariances() const noexcept
    {
        return {cepman_mixture_covariances(get()), components() * columns() * (diagonal() ? 1 : columns())};
    }
    double log_likelihood() const noexcept
    {
        return cepman_mixture_log_likelihood(get());
    }
    std::size_t iterations() const noexcept
    {
        return cepman_mixture_iterations(get());
    }
    span<const double> history() const noexcept
    {
        return {cepman_mixture_history(get()), iterations()};
    }
    bool converged() const noexcept
    {
        return cepman_mixture_converged(get()) != 0;
    }
    double bic() const noexcept
    {
        return cepman_mixture_bic(get());
    }
    double aic() const noexcept
    {
        return cepman_mixture_aic(get());
    }
    /* New rows; responsibilities (rows x components) and log densities, one a row, where they are asked for. */
    cepman::labels apply(const context &ctx, const matrix &rows,
                         std::vector<double> *responsibilities = nullptr,
                         std::vector<double> *densities = nullptr) const
    {
        std::vector<double> shares(responsibilities ? rows.rows() * components() : 0);
        std::vector<double> each(densities ? rows.rows() : 0);
        cepman_labels *out = nullptr;
        const cepman_status status =
            cepman_mixture_apply(&out, responsibilities ? shares.data() : nullptr,
                                 densities ? each.data() : nullptr, ctx.get(), get(), rows.get());
        auto made = cepman::labels::adopt(out);
        ctx.check(status);
        if (responsibilities) responsibilities->swap(shares);
        if (densities) densities->swap(each);
        return made;
    }
};

/* The tree: built once, clusters are extracted often. */
class hdbscan_tree : public detail::handle<hdbscan_tree, cepman_hdbscan_tree, cepman_hdbscan_tree_ref,
                                           cepman_hdbscan_tree_unref>
{
  public:
    struct edge_record {
        std::size_t from, to;
        double weight;
    };

    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_hdbscan_tree_options_create};
    }
    static hdbscan_tree build(const context &ctx, const matrix &data, const cepman::options &how = {})
    {
        return ctx.make<hdbscan_tree>(cepman_hdbscan_tree_build, data.get(), how.get());
    }
    /* n x n distances, packed. */
    static hdbscan_tree build_distances(const context &ctx, span<const double> distances, std::size_t n,
                                        const cepman::options &how = {})
    {
        if (n ? distances.size() / n != n || distances.size() % n : !distances.empty())
            throw error(CEPMAN_ERR_SHAPE, "the distances are not n x n");
        return ctx.make<hdbscan_tree>(cepman_hdbscan_tree_build_distances, distances.data(), n, n, how.get());
    }
    static hdbscan_tree build_neighbors(const context &ctx, const neighbors &graph,
                                        const cepman::options &how = {})
    {
        return ctx.make<hdbscan_tree>(cepman_hdbscan_tree_build_neighbors, graph.get(), how.get());
    }
    std::size_t points() const noexcept
    {
        return cepman_hdbscan_tree_points(get());
    }
    span<const double> core_distances() const noexcept
    {
        return {cepman_hdbscan_tree_core_distances(get()), points()};
    }
    std::size_t edges() const noexcept
    {
        return cepman_hdbscan_tree_edges(get());
    }
    edge_record edge(const context &ctx, std::size_t i) const
    {
        edge_record e = {};
        ctx.check(cepman_hdbscan_tree_edge(get(), i, &e.from, &e.to, &e.weight));
        return e;
    }
    /* edges() rows of four: SciPy's linkage. */
    std::vector<double> linkage(const context &ctx) const
    {
        std::vector<double> table(4 * edges());
        ctx.check(cepman_hdbscan_tree_linkage(get(), ctx.get(), table.data()));
        return table;
    }
    labels cut(const context &ctx, double distance, std::size_t min_cluster_size) const
    {
        return ctx.make<labels>(cepman_hdbscan_tree_cut, get(), distance, min_cluster_size);
    }
    double relative_validity(const context &ctx, const labels &found) const
    {
        double value = NAN;
        ctx.check(cepman_hdbscan_relative_validity(&value, ctx.get(), get(), found.get()));
        return value;
    }
};

class hdbscan : public detail::handle<hdbscan, cepman_hdbscan, cepman_hdbscan_ref, cepman_hdbscan_unref>
{
  public:
    struct cluster_record {
        std::size_t parent, size;
        std::int32_t label;
        double birth, death, stability;
    };
    struct point_record {
        std::size_t cluster;
        double lambda;
    };

    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_hdbscan_options_create};
    }
    static hdbscan extract(const context &ctx, const hdbscan_tree &tree, const cepman::options &how = {})
    {
        return ctx.make<hdbscan>(cepman_hdbscan_extract, tree.get(), how.get());
    }
    cepman::labels labels() const noexcept
    {
        return cepman::labels::share(cepman_hdbscan_labels(get()));
    }
    span<const double> probabilities() const noexcept
    {
        return {cepman_hdbscan_probabilities(get()), points()};
    }
    span<const double> outlier_scores() const noexcept
    {
        return {cepman_hdbscan_outlier_scores(get()), points()};
    }
    span<const double> persistence() const noexcept
    {
        return {cepman_hdbscan_persistence(get()), cepman_labels_clusters(cepman_hdbscan_labels(get()))};
    }
    span<const std::uint8_t> exemplars() const noexcept
    {
        return {cepman_hdbscan_exemplars(get()), points()};
    }
    /* The condensed tree. */
    std::size_t condensed_clusters() const noexcept
    {
        return cepman_hdbscan_condensed_clusters(get());
    }
    cluster_record condensed_cluster(const context &ctx, std::size_t i) const
    {
        cluster_record r = {};
        ctx.check(cepman_hdbscan_condensed_cluster(get(), i, &r.parent, &r.size, &r.label, &r.birth, &r.death,
                                                   &r.stability));
        return r;
    }
    point_record condensed_point(const context &ctx, std::size_t row) const
    {
        point_record r = {};
        ctx.check(cepman_hdbscan_condensed_point(get(), row, &r.cluster, &r.lambda));
        return r;
    }
    /* Labels of new rows; fitted: the matrix that the tree was built from. */
    cepman::labels apply(const context &ctx, const matrix &fitted, const matrix &rows,
                         std::vector<double> *probabilities = nullptr) const
    {
        std::vector<double> each(probabilities ? rows.rows() : 0);
        cepman_labels *out = nullptr;
        const cepman_status status = cepman_hdbscan_apply(&out, probabilities ? each.data() : nullptr,
                                                          ctx.get(), get(), fitted.get(), rows.get());
        auto made = cepman::labels::adopt(out);
        ctx.check(status);
        if (probabilities) probabilities->swap(each);
        return made;
    }
    /* Soft memberships, a row of clusters for each row; rows: empty for those of the fit. */
    std::vector<double> membership(const context &ctx, const matrix &fitted, const matrix &rows = {}) const
    {
        std::vector<double> out((rows ? rows : fitted).rows() * labels().clusters());
        ctx.check(cepman_hdbscan_membership(out.data(), ctx.get(), get(), fitted.get(), rows.get()));
        return out;
    }

  private:
    std::size_t points() const noexcept
    {
        return cepman_labels_count(cepman_hdbscan_labels(get()));
    }
};

inline options consensus_options(const context &ctx)
{
    return {ctx, cepman_consensus_options_create};
}
inline labels consensus(const context &ctx, const labels &fine, const labels &coarse, const matrix &features,
                        std::size_t scan_rows, std::size_t scan_columns, const options &how = {})
{
    return ctx.make<labels>(cepman_consensus_merge, fine.get(), coarse.get(), features.get(), scan_rows,
                            scan_columns, how.get());
}

inline options domains_options(const context &ctx)
{
    return {ctx, cepman_domains_options_create};
}
/* Features in which tilts count less than domains, from principal scores of cepstra; a scan of 0 x 0 is none. */
inline matrix domains_sharpen(const context &ctx, const matrix &scores, const pca &components,
                              std::size_t scan_rows, std::size_t scan_columns, const options &how = {})
{
    return ctx.make<matrix>(cepman_domains_sharpen, scores.get(), components.get(), scan_rows, scan_columns,
                            how.get());
}
/* Domains of a scan, from sharpened features. */
inline labels domains(const context &ctx, const matrix &features, std::size_t scan_rows,
                      std::size_t scan_columns, const options &how = {})
{
    return ctx.make<labels>(cepman_domains_find, features.get(), scan_rows, scan_columns, how.get());
}
/* How much of a neighbouring domain is in each scan point, 0 to 1. */
inline std::vector<float> domains_mixing(const context &ctx, const labels &found, const matrix &features,
                                         std::size_t scan_rows, std::size_t scan_columns,
                                         const options &how = {})
{
    std::vector<float> mixing(found.values().size());
    if (mixing.empty()) mixing.reserve(1);
    ctx.check(cepman_domains_mixing(mixing.data(), ctx.get(), found.get(), features.get(), scan_rows,
                                    scan_columns, how.get()));
    return mixing;
}
/* 0: a scan point is like its neighbours; near 1: it says nothing of them. */
inline double domains_coherence(const context &ctx, const matrix &features, std::size_t scan_rows,
                                std::size_t scan_columns)
{
    double value = 0;
    ctx.check(cepman_domains_coherence(&value, ctx.get(), features.get(), scan_rows, scan_columns));
    return value;
}

/* The tree of rounds. Nodes are ids; paths name them, "0/2". */
class hierarchy
    : public detail::handle<hierarchy, cepman_hierarchy, cepman_hierarchy_ref, cepman_hierarchy_unref>
{
  public:
    using node_id = std::uint64_t;

    /* rows x columns: the scan; 0 x 0: none. */
    static hierarchy create(const context &ctx, std::size_t points, std::size_t rows = 0,
                            std::size_t columns = 0)
    {
        return ctx.make<hierarchy>(cepman_hierarchy_create, points, rows, columns);
    }
    static hierarchy load(const context &ctx, const std::string &path)
    {
        return ctx.make<hierarchy>(cepman_hierarchy_load, path.c_str());
    }
    void save(const context &ctx, const std::string &path) const
    {
        ctx.check(cepman_hierarchy_save(get(), ctx.get(), path.c_str()));
    }
    std::size_t points() const noexcept
    {
        return cepman_hierarchy_points(get());
    }
    std::size_t rows() const noexcept
    {
        return cepman_hierarchy_rows(get());
    }
    std::size_t columns() const noexcept
    {
        return cepman_hierarchy_columns(get());
    }
    std::size_t height() const noexcept
    {
        return cepman_hierarchy_height(get());
    }

    /* All ids, in preorder. */
    std::vector<node_id> nodes() const
    {
        std::vector<node_id> ids(cepman_hierarchy_nodes(get()));
        for (std::size_t i = 0; i < ids.size(); i++)
            ids[i] = cepman_hierarchy_node(get(), i);
        return ids;
    }
    node_id find(const context &ctx, const std::string &path) const
    {
        node_id node = CEPMAN_NODE_NONE;
        ctx.check(cepman_hierarchy_find(get(), ctx.get(), path.c_str(), &node));
        return node;
    }
    std::string path(node_id node) const
    {
        std::string text(cepman_hierarchy_path(get(), node, nullptr, 0), '\0');
        cepman_hierarchy_path(get(), node, text.data(), text.size() + 1);
        return text;
    }
    node_id parent(node_id node) const noexcept
    {
        return cepman_hierarchy_parent(get(), node);
    }
    cepman_node_kind kind(node_id node) const noexcept
    {
        return cepman_hierarchy_kind(get(), node);
    }
    std::int32_t label(node_id node) const noexcept
    {
        return cepman_hierarchy_label(get(), node);
    }
    std::size_t depth(node_id node) const noexcept
    {
        return cepman_hierarchy_depth(get(), node);
    }
    std::vector<node_id> children(node_id node) const
    {
        std::vector<node_id> ids(cepman_hierarchy_children(get(), node));
        for (std::size_t i = 0; i < ids.size(); i++)
            ids[i] = cepman_hierarchy_child(get(), node, i);
        return ids;
    }
    std::size_t size(node_id node) const noexcept
    {
        return cepman_hierarchy_size(get(), node);
    }
    std::vector<std::size_t> members(const context &ctx, node_id node) const
    {
        std::vector<std::size_t> points(size(node));
        ctx.check(cepman_hierarchy_members(points.data(), ctx.get(), get(), node));
        return points;
    }
    /* How a node was split; NULL or 0 for a leaf. */
    const char *method(node_id node) const noexcept
    {
        return cepman_hierarchy_method(get(), node);
    }
    const char *parameters(node_id node) const noexcept
    {
        return cepman_hierarchy_parameters(get(), node);
    }
    const char *space(node_id node) const noexcept
    {
        return cepman_hierarchy_space(get(), node);
    }
    const char *version(node_id node) const noexcept
    {
        return cepman_hierarchy_version(get(), node);
    }
    std::uint64_t seed(node_id node) const noexcept
    {
        return cepman_hierarchy_seed(get(), node);
    }
    std::vector<std::string> score_names(node_id node) const
    {
        std::vector<std::string> names(cepman_hierarchy_scores(get(), node));
        for (std::size_t i = 0; i < names.size(); i++)
            names[i] = cepman_hierarchy_score_name(get(), node, i);
        return names;
    }
    double score(node_id node, const std::string &name) const
    {
        return cepman_hierarchy_score(get(), node, name.c_str());
    }

    void split(const context &ctx, node_id node, const cepman::labels &by, const char *method = nullptr,
               const char *parameters = nullptr, std::uint64_t seed = 0)
    {
        ctx.check(cepman_hierarchy_split(get(), ctx.get(), node, by.get(), method, parameters, seed));
    }
    void split_kmeans(const context &ctx, node_id node, const matrix &data, const cepman::options &how = {})
    {
        ctx.check(cepman_hierarchy_split_kmeans(get(), ctx.get(), node, data.get(), how.get()));
    }
    void split_mixture(const context &ctx, node_id node, const matrix &data, const cepman::options &how = {})
    {
        ctx.check(cepman_hierarchy_split_mixture(get(), ctx.get(), node, data.get(), how.get()));
    }
    void split_hdbscan(const context &ctx, node_id node, const matrix &data,
                       const cepman::options &of_tree = {}, const cepman::options &how = {})
    {
        ctx.check(
            cepman_hierarchy_split_hdbscan(get(), ctx.get(), node, data.get(), of_tree.get(), how.get()));
    }
    void split_connected(const context &ctx, node_id node, unsigned neighbours, std::size_t least)
    {
        ctx.check(cepman_hierarchy_split_connected(get(), ctx.get(), node, neighbours, least));
    }
    void merge(const context &ctx, span<const node_id> siblings)
    {
        ctx.check(cepman_hierarchy_merge(get(), ctx.get(), siblings.data(), siblings.size()));
    }
    void prune(const context &ctx, node_id node)
    {
        ctx.check(cepman_hierarchy_prune(get(), ctx.get(), node));
    }
    void assign_noise(const context &ctx, node_id node, const matrix &data)
    {
        ctx.check(cepman_hierarchy_assign_noise(get(), ctx.get(), node, data.get()));
    }
    void set_space(const context &ctx, node_id node, const std::string &space)
    {
        ctx.check(cepman_hierarchy_set_space(get(), ctx.get(), node, space.c_str()));
    }
    void set_score(const context &ctx, node_id node, const std::string &name, double value)
    {
        ctx.check(cepman_hierarchy_set_score(get(), ctx.get(), node, name.c_str(), value));
    }

    /* One label per point at a depth; by default at the leaves. */
    cepman::labels labels(const context &ctx, std::size_t depth = SIZE_MAX) const
    {
        return ctx.make<cepman::labels>(cepman_hierarchy_labels, get(), depth);
    }
    std::vector<node_id> label_nodes(std::size_t depth = SIZE_MAX) const
    {
        std::vector<node_id> ids(cepman_hierarchy_label_nodes(get(), depth, nullptr, 0));
        cepman_hierarchy_label_nodes(get(), depth, ids.data(), ids.size());
        return ids;
    }
    /* points() rows of depth labels: the way to each point. */
    std::vector<std::int32_t> paths(const context &ctx, std::size_t depth) const
    {
        std::vector<std::int32_t> ways(points() * depth);
        ctx.check(cepman_hierarchy_paths(ways.data(), ctx.get(), get(), depth));
        return ways;
    }
};

/* How good a clustering is. */
namespace validity
{

inline double accuracy(const context &ctx, const labels &found, const labels &truth)
{
    double value = NAN;
    ctx.check(cepman_validity_accuracy(&value, ctx.get(), found.get(), truth.get()));
    return value;
}
inline double ari(const context &ctx, const labels &found, const labels &truth)
{
    double value = NAN;
    ctx.check(cepman_validity_ari(&value, ctx.get(), found.get(), truth.get()));
    return value;
}
inline double ami(const context &ctx, const labels &found, const labels &truth)
{
    double value = NAN;
    ctx.check(cepman_validity_ami(&value, ctx.get(), found.get(), truth.get()));
    return value;
}
/* sample: 0 for all points. values: NULL, or filled with one number a row. */
inline double silhouette(const context &ctx, const matrix &data, const labels &found, std::size_t sample = 0,
                         std::uint64_t seed = 42, std::vector<double> *values = nullptr)
{
    double value = NAN;
    std::vector<double> each(values ? data.rows() : 0);
    ctx.check(cepman_validity_silhouette(&value, values ? each.data() : nullptr, ctx.get(), data.get(),
                                         found.get(), sample, seed));
    if (values) values->swap(each);
    return value;
}
inline double simplified_silhouette(const context &ctx, const matrix &data, const labels &found)
{
    double value = NAN;
    ctx.check(cepman_validity_simplified_silhouette(&value, ctx.get(), data.get(), found.get()));
    return value;
}
inline double calinski_harabasz(const context &ctx, const matrix &data, const labels &found)
{
    double value = NAN;
    ctx.check(cepman_validity_calinski_harabasz(&value, ctx.get(), data.get(), found.get()));
    return value;
}
inline double davies_bouldin(const context &ctx, const matrix &data, const labels &found)
{
    double value = NAN;
    ctx.check(cepman_validity_davies_bouldin(&value, ctx.get(), data.get(), found.get()));
    return value;
}
inline double inertia(const context &ctx, const matrix &data, const labels &found)
{
    double value = NAN;
    ctx.check(cepman_validity_inertia(&value, ctx.get(), data.get(), found.get()));
    return value;
}
/* values: NULL, or filled with one number a cluster. */
inline double dbcv(const context &ctx, const matrix &data, const labels &found,
                   std::vector<double> *values = nullptr)
{
    double value = NAN;
    std::vector<double> each(values ? found.clusters() : 0);
    ctx.check(
        cepman_validity_dbcv(&value, values ? each.data() : nullptr, ctx.get(), data.get(), found.get()));
    if (values) values->swap(each);
    return value;
}
struct gap_value {
    double gap, deviation;
};
inline gap_value gap(const context &ctx, const matrix &data, const labels &found, std::size_t references = 4,
                     std::uint64_t seed = 42)
{
    gap_value value = {NAN, NAN};
    ctx.check(cepman_validity_gap(&value.gap, &value.deviation, ctx.get(), data.get(), found.get(),
                                  references, seed));
    return value;
}
inline double agreement(const context &ctx, span<const labels> all)
{
    std::vector<const cepman_labels *> lent;
    for (const labels &one : all)
        lent.push_back(one.get());
    double value = NAN;
    ctx.check(cepman_validity_agreement(&value, ctx.get(), lent.data(), lent.size()));
    return value;
}
inline double stability(const context &ctx, const matrix &data, const options &kmeans, std::size_t runs,
                        double fraction)
{
    double value = NAN;
    ctx.check(cepman_validity_stability(&value, ctx.get(), data.get(), kmeans.get(), runs, fraction));
    return value;
}

} // namespace validity

/* What a scan tells of its detector: bad pixels, and values that are no counts. */
class pixels : public detail::handle<pixels, cepman_pixels, cepman_pixels_ref, cepman_pixels_unref>
{
  public:
    static cepman::options options(const context &ctx)
    {
        return {ctx, cepman_pixels_options_create};
    }
    static pixels find(const context &ctx, const dataset &scan, const cepman::options &how = {})
    {
        return ctx.make<pixels>(cepman_maps_pixels, scan.get(), how.get());
    }
    std::size_t height() const noexcept
    {
        return cepman_pixels_height(get());
    }
    std::size_t width() const noexcept
    {
        return cepman_pixels_width(get());
    }
    /* A cepman_pixel_kind for each pixel: a mask for dataset::view_masked(). */
    span<const std::uint8_t> kinds() const noexcept
    {
        return {cepman_pixels_kinds(get()), height() * width()};
    }
    std::size_t count(cepman_pixel_kind kind) const noexcept
    {
        return cepman_pixels_count(get(), kind);
    }
    std::uint64_t values(cepman_value_kind kind) const noexcept
    {
        return cepman_pixels_values(get(), kind);
    }
    std::size_t frames() const noexcept
    {
        return cepman_pixels_frames(get());
    }
    double saturation() const noexcept
    {
        return cepman_pixels_saturation(get());
    }
    double contrast() const noexcept
    {
        return cepman_pixels_contrast(get());
    }
};

/* Images of a scan. */
namespace maps
{

struct place {
    double y, x, radius;
};
struct statistics_images {
    std::vector<float> mean, deviation, maximum;
};
struct shift_images {
    std::vector<float> y, x;
};

inline std::vector<float> virtual_detector(const context &ctx, const dataset &scan, double centre_y,
                                           double centre_x, double inner, double outer)
{
    std::vector<float> out(scan.frames());
    ctx.check(cepman_maps_virtual(out.data(), ctx.get(), scan.get(), centre_y, centre_x, inner, outer));
    return out;
}
inline statistics_images statistics(const context &ctx, const dataset &scan)
{
    const std::size_t size = scan.height() * scan.width();
    statistics_images out = {std::vector<float>(size), std::vector<float>(size), std::vector<float>(size)};
    ctx.check(cepman_maps_statistics(out.mean.data(), out.deviation.data(), out.maximum.data(), ctx.get(),
                                     scan.get()));
    return out;
}
inline place beam(const context &ctx, const dataset &scan)
{
    place found = {};
    ctx.check(cepman_maps_beam(&found.y, &found.x, &found.radius, ctx.get(), scan.get()));
    return found;
}
/* From at most `frames` frames, evenly spread. */
inline place beam_sampled(const context &ctx, const dataset &scan, std::size_t frames)
{
    place found = {};
    ctx.check(cepman_maps_beam_sampled(&found.y, &found.x, &found.radius, ctx.get(), scan.get(), frames));
    return found;
}
inline shift_images centre_of_mass(const context &ctx, const dataset &scan)
{
    shift_images out = {std::vector<float>(scan.frames()), std::vector<float>(scan.frames())};
    ctx.check(cepman_maps_centre_of_mass(out.y.data(), out.x.data(), ctx.get(), scan.get()));
    return out;
}
inline matrix cluster_means(const context &ctx, const dataset &scan, const labels &found)
{
    return ctx.make<matrix>(cepman_maps_cluster_means, scan.get(), found.get());
}
inline matrix differences(const context &ctx, const matrix &means, std::size_t clusters)
{
    return ctx.make<matrix>(cepman_maps_differences, means.get(), clusters);
}
/* Three bytes a label: red, green, blue. */
inline std::vector<std::uint8_t> label_colours(const context &ctx, const labels &found)
{
    std::vector<std::uint8_t> rgb(3 * found.values().size());
    ctx.check(cepman_maps_label_colours(rgb.data(), ctx.get(), found.get()));
    return rgb;
}

/* Several maps of one reading: ask for them, then run(). What is asked for is filled by run(), all of it or none, and must
 * live until then. of: empty, or a dataset that is computed from the pass's frames. */
class pass : public detail::sole<pass, cepman_maps_pass, cepman_maps_pass_unref>
{
  public:
    static pass create(const context &ctx, const dataset &scan)
    {
        pass made = ctx.make<pass>(cepman_maps_pass_create, scan.get());
        made.scan_ = scan;
        return made;
    }
    void virtual_detector(const context &ctx, std::vector<float> &out, double centre_y, double centre_x,
                          double inner, double outer, const dataset &of = {})
    {
        out.resize(scan_.frames());
        ctx.check(cepman_maps_pass_virtual(get(), ctx.get(), out.data(), of.get(), centre_y, centre_x, inner,
                                           outer));
    }
    void centre_of_mass(const context &ctx, shift_images &out, const dataset &of = {})
    {
        out.y.resize(scan_.frames());
        out.x.resize(scan_.frames());
        ctx.check(cepman_maps_pass_centre_of_mass(get(), ctx.get(), out.y.data(), out.x.data(), of.get()));
    }
    void statistics(const context &ctx, statistics_images &out, const dataset &of = {})
    {
        const dataset &seen = of ? of : scan_;
        for (std::vector<float> *image : {&out.mean, &out.deviation, &out.maximum})
            image->resize(seen.height() * seen.width());
        ctx.check(cepman_maps_pass_statistics(get(), ctx.get(), out.mean.data(), out.deviation.data(),
                                              out.maximum.data(), of.get()));
    }
    void beam(const context &ctx, place &out, const dataset &of = {})
    {
        ctx.check(cepman_maps_pass_beam(get(), ctx.get(), &out.y, &out.x, &out.radius, of.get()));
    }
    /* Read with means() after run(), by the number that this gives. */
    std::size_t cluster_means(const context &ctx, const labels &found, const dataset &of = {})
    {
        return ask(ctx, means_, [&](cepman_matrix **out) {
            return cepman_maps_pass_cluster_means(get(), ctx.get(), out, of.get(), found.get());
        });
    }
    /* Read with bad_pixels() after run(), by the number that this gives. */
    std::size_t pixels(const context &ctx, const options &how = {}, const dataset &of = {})
    {
        return ask(ctx, pixels_, [&](cepman_pixels **out) {
            return cepman_maps_pass_pixels(get(), ctx.get(), out, of.get(), how.get());
        });
    }
    void run(const context &ctx)
    {
        for (auto &one : means_)
            *one = {};
        for (auto &one : pixels_)
            *one = {};
        ctx.check(cepman_maps_pass_run(get(), ctx.get()));
    }
    /* Empty before run() and after one that failed. */
    matrix means(std::size_t number) const
    {
        return matrix::share(means_.at(number)->pointer);
    }
    cepman::pixels bad_pixels(std::size_t number) const
    {
        return cepman::pixels::share(pixels_.at(number)->pointer);
    }

  private:
    /* Where the library puts a handle: an address that stays. */
    template <class T, void (*Unref)(T *)> struct slot {
        T *pointer = nullptr;
        slot() = default;
        slot(const slot &) = delete;
        slot &operator=(slot &&other) noexcept
        {
            std::swap(pointer, other.pointer);
            return *this;
        }
        ~slot()
        {
            Unref(pointer);
        }
    };
    template <class Slots, class F> std::size_t ask(const context &ctx, Slots &slots, F f)
    {
        slots.push_back(std::make_unique<typename Slots::value_type::element_type>());
        const cepman_status status = f(&slots.back()->pointer);
        if (status != CEPMAN_OK) slots.pop_back();
        ctx.check(status);
        return slots.size() - 1;
    }
    dataset scan_;
    std::vector<std::unique_ptr<slot<cepman_matrix, cepman_matrix_unref>>> means_;
    std::vector<std::unique_ptr<slot<cepman_pixels, cepman_pixels_unref>>> pixels_;
};

} // namespace maps

} // namespace cepman

#endif
