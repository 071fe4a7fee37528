/* The interface of libcepman 1.0.0, frozen: what programs of that time were compiled with. Long: all headers in one. */
#include <stddef.h>
#include <stdint.h>
#ifndef CEPMAN_EXPORT_H
#define CEPMAN_EXPORT_H
#if defined(__GNUC__) && defined(CEPMAN_BUILD)
#define CEPMAN_API __attribute__((visibility("default")))
#else
#define CEPMAN_API
#endif
#ifdef __cplusplus
#define CEPMAN_BEGIN extern "C" {
#define CEPMAN_END }
#else
#define CEPMAN_BEGIN
#define CEPMAN_END
#endif
#endif
#ifndef CEPMAN_VERSION_H
#define CEPMAN_VERSION_H
CEPMAN_BEGIN
#define CEPMAN_VERSION_MAJOR 1
#define CEPMAN_VERSION_MINOR 0
#define CEPMAN_VERSION_PATCH 0
#define CEPMAN_VERSION_STRING "1.0.0"
CEPMAN_API const char *cepman_version(void);
CEPMAN_API int cepman_version_number(void);
CEPMAN_API const char *cepman_fftw_version(void);
CEPMAN_API const char *cepman_openblas_version(void);
CEPMAN_END
#endif
#ifndef CEPMAN_STATUS_H
#define CEPMAN_STATUS_H
CEPMAN_BEGIN
#define CEPMAN_STATUS_LIST(X)                                                                                \
    X(CEPMAN_OK, 0, "success")                                                                               \
    X(CEPMAN_ERR_ARGUMENT, -1, "invalid argument")                                                           \
    X(CEPMAN_ERR_RANGE, -2, "value out of range")                                                            \
    X(CEPMAN_ERR_OPTION, -3, "unknown option or wrong option type")                                          \
    X(CEPMAN_ERR_MEMORY, -4, "out of memory")                                                                \
    X(CEPMAN_ERR_LIMIT, -5, "memory limit exceeded")                                                         \
    X(CEPMAN_ERR_IO, -6, "input or output failed")                                                           \
    X(CEPMAN_ERR_FORMAT, -7, "malformed file")                                                               \
    X(CEPMAN_ERR_TRUNCATED, -8, "truncated file")                                                            \
    X(CEPMAN_ERR_UNSUPPORTED, -9, "not supported")                                                           \
    X(CEPMAN_ERR_CANCELLED, -10, "cancelled")                                                                \
    X(CEPMAN_ERR_DATA, -11, "unusable data")                                                                 \
    X(CEPMAN_ERR_NUMERIC, -12, "numerical failure")                                                          \
    X(CEPMAN_ERR_SHAPE, -13, "shapes do not match")                                                          \
    X(CEPMAN_ERR_CALLBACK, -14, "a callback of the host failed")                                             \
    X(CEPMAN_ERR_THREAD, -15, "a thread could not be started")                                               \
    X(CEPMAN_ERR_INTERNAL, -16, "internal error")
typedef enum cepman_status {
#define CEPMAN_STATUS_ENUM(name, value, text) name = value,
    CEPMAN_STATUS_LIST(CEPMAN_STATUS_ENUM)
#undef CEPMAN_STATUS_ENUM
} cepman_status;
CEPMAN_API const char *cepman_status_text(cepman_status status);
CEPMAN_END
#endif
#ifndef CEPMAN_CONTEXT_H
#define CEPMAN_CONTEXT_H
CEPMAN_BEGIN
typedef struct cepman_context cepman_context;
typedef void (*cepman_destroy)(void *user);
typedef struct cepman_allocator {
    size_t struct_size; 
    void *user;
    void *(*allocate)(void *user, size_t size, size_t alignment);
    void (*release)(void *user, void *pointer, size_t size);
} cepman_allocator;
typedef struct cepman_executor {
    size_t struct_size; 
    void *user;
    unsigned (*concurrency)(void *user);
    int (*run)(void *user, void (*task)(void *argument, size_t index), void *argument, size_t count);
} cepman_executor;
typedef struct cepman_planner_lock {
    size_t struct_size; 
    void *user;
    void (*acquire)(void *user);
    void (*release)(void *user);
} cepman_planner_lock;
typedef enum cepman_log_level {
    CEPMAN_LOG_NONE = 0,
    CEPMAN_LOG_WARNING = 1,
    CEPMAN_LOG_INFO = 2,
    CEPMAN_LOG_DEBUG = 3
} cepman_log_level;
typedef void (*cepman_log_callback)(void *user, cepman_log_level level, const char *line);
typedef void (*cepman_progress_callback)(void *user, const char *stage, uint64_t done, uint64_t total);
typedef int (*cepman_cancel_callback)(void *user);
CEPMAN_API cepman_status cepman_context_create(cepman_context **out, const cepman_allocator *allocator);
CEPMAN_API cepman_context *cepman_context_ref(cepman_context *context);
CEPMAN_API void cepman_context_unref(cepman_context *context);
CEPMAN_API const char *cepman_context_error(const cepman_context *context);
CEPMAN_API cepman_status cepman_context_set_threads(cepman_context *context, unsigned threads);
CEPMAN_API unsigned cepman_context_threads(const cepman_context *context);
CEPMAN_API cepman_status cepman_context_set_executor(cepman_context *context,
                                                     const cepman_executor *executor);
CEPMAN_API cepman_status cepman_context_set_planner_lock(cepman_context *context,
                                                         const cepman_planner_lock *lock);
CEPMAN_API cepman_status cepman_context_set_log(cepman_context *context, cepman_log_callback callback,
                                                void *user, cepman_log_level level);
CEPMAN_API cepman_status cepman_context_set_progress(cepman_context *context,
                                                     cepman_progress_callback callback, void *user);
CEPMAN_API cepman_status cepman_context_set_cancel(cepman_context *context, cepman_cancel_callback callback,
                                                   void *user);
CEPMAN_API void cepman_context_cancel(cepman_context *context);
CEPMAN_API void cepman_context_clear_cancel(cepman_context *context);
CEPMAN_API cepman_status cepman_context_set_memory_limit(cepman_context *context, size_t bytes);
CEPMAN_API size_t cepman_context_memory_used(const cepman_context *context);
CEPMAN_API size_t cepman_context_memory_peak(const cepman_context *context);
CEPMAN_API cepman_status cepman_context_set_cpu_level(cepman_context *context, const char *level);
CEPMAN_API const char *cepman_context_cpu_level(const cepman_context *context);
CEPMAN_API cepman_status cepman_context_allocate(void **out, cepman_context *context, size_t count,
                                                 size_t size, const char *what);
CEPMAN_API void cepman_context_release(void *block);
CEPMAN_API cepman_status cepman_context_fail(cepman_context *context, cepman_status status,
                                             const char *sentence);
CEPMAN_API cepman_status cepman_context_poll(cepman_context *context);
CEPMAN_API void cepman_context_report(cepman_context *context, const char *stage, uint64_t done,
                                      uint64_t total);
CEPMAN_END
#endif
#ifndef CEPMAN_OPTIONS_H
#define CEPMAN_OPTIONS_H
CEPMAN_BEGIN
typedef struct cepman_options cepman_options;
typedef enum cepman_option_type {
    CEPMAN_OPTION_FLAG = 0, 
    CEPMAN_OPTION_INTEGER = 1,
    CEPMAN_OPTION_REAL = 2,
    CEPMAN_OPTION_CHOICE = 3, 
    CEPMAN_OPTION_TEXT = 4    
} cepman_option_type;
CEPMAN_API void cepman_options_unref(cepman_options *options);
CEPMAN_API cepman_options *cepman_options_ref(cepman_options *options);
CEPMAN_API cepman_status cepman_options_copy(cepman_options **out, cepman_context *context,
                                             const cepman_options *options);
CEPMAN_API cepman_status cepman_options_set_flag(cepman_options *options, cepman_context *context,
                                                 const char *name, int value);
CEPMAN_API cepman_status cepman_options_set_integer(cepman_options *options, cepman_context *context,
                                                    const char *name, int64_t value);
CEPMAN_API cepman_status cepman_options_set_real(cepman_options *options, cepman_context *context,
                                                 const char *name, double value);
CEPMAN_API cepman_status cepman_options_set_text(cepman_options *options, cepman_context *context,
                                                 const char *name, const char *value);
CEPMAN_API cepman_status cepman_options_parse(cepman_options *options, cepman_context *context,
                                              const char *name, const char *value);
CEPMAN_API cepman_status cepman_options_get_flag(const cepman_options *options, cepman_context *context,
                                                 const char *name, int *value);
CEPMAN_API cepman_status cepman_options_get_integer(const cepman_options *options, cepman_context *context,
                                                    const char *name, int64_t *value);
CEPMAN_API cepman_status cepman_options_get_real(const cepman_options *options, cepman_context *context,
                                                 const char *name, double *value);
CEPMAN_API cepman_status cepman_options_get_text(const cepman_options *options, cepman_context *context,
                                                 const char *name, const char **value);
CEPMAN_API const char *cepman_options_kind(const cepman_options *options); 
CEPMAN_API size_t cepman_options_count(const cepman_options *options);
CEPMAN_API const char *cepman_options_name(const cepman_options *options, size_t index);
CEPMAN_API const char *cepman_options_help(const cepman_options *options, size_t index);
CEPMAN_API cepman_option_type cepman_options_type(const cepman_options *options, size_t index);
CEPMAN_API double cepman_options_minimum(const cepman_options *options, size_t index);
CEPMAN_API double cepman_options_maximum(const cepman_options *options, size_t index);
CEPMAN_API const char *cepman_options_choices(const cepman_options *options, size_t index);
CEPMAN_API int cepman_options_is_set(const cepman_options *options, size_t index);
CEPMAN_API size_t cepman_options_format(const cepman_options *options, size_t index, char *text, size_t size);
CEPMAN_END
#endif
#ifndef CEPMAN_MATRIX_H
#define CEPMAN_MATRIX_H
CEPMAN_BEGIN
typedef enum cepman_type {
    CEPMAN_TYPE_U8 = 1,
    CEPMAN_TYPE_I8 = 2,
    CEPMAN_TYPE_U16 = 3,
    CEPMAN_TYPE_I16 = 4,
    CEPMAN_TYPE_U32 = 5,
    CEPMAN_TYPE_I32 = 6,
    CEPMAN_TYPE_F32 = 7,
    CEPMAN_TYPE_F64 = 8,
    CEPMAN_TYPE_BOOL = 9, 
    CEPMAN_TYPE_I64 = 10,
    CEPMAN_TYPE_F16 = 11 
} cepman_type;
CEPMAN_API size_t cepman_type_size(cepman_type type);
CEPMAN_API const char *cepman_type_name(cepman_type type);
typedef struct cepman_matrix cepman_matrix;
typedef struct cepman_labels cepman_labels;
typedef struct cepman_npy_writer cepman_npy_writer;
CEPMAN_API cepman_status cepman_matrix_copy(cepman_matrix **out, cepman_context *context, const float *data,
                                            size_t rows, size_t columns, size_t stride);
CEPMAN_API cepman_status cepman_matrix_wrap(cepman_matrix **out, cepman_context *context, const float *data,
                                            size_t rows, size_t columns, size_t stride,
                                            cepman_destroy destroy, void *user);
CEPMAN_API cepman_status cepman_matrix_select(cepman_matrix **out, cepman_context *context,
                                              cepman_matrix *matrix, const size_t *rows, size_t count);
CEPMAN_API cepman_matrix *cepman_matrix_ref(cepman_matrix *matrix);
CEPMAN_API void cepman_matrix_unref(cepman_matrix *matrix);
CEPMAN_API size_t cepman_matrix_rows(const cepman_matrix *matrix);
CEPMAN_API size_t cepman_matrix_columns(const cepman_matrix *matrix);
CEPMAN_API cepman_type cepman_matrix_type(const cepman_matrix *matrix);
CEPMAN_API const float *cepman_matrix_row(const cepman_matrix *matrix, size_t row);
CEPMAN_API const float *cepman_matrix_data(const cepman_matrix *matrix, size_t *stride);
CEPMAN_API cepman_status cepman_matrix_load(cepman_matrix **out, cepman_context *context, const char *path);
CEPMAN_API cepman_status cepman_matrix_map(cepman_matrix **out, cepman_context *context, const char *path);
CEPMAN_API cepman_status cepman_matrix_read(const cepman_matrix *matrix, cepman_context *context,
                                            size_t first, size_t count, float *destination, size_t stride);
CEPMAN_API cepman_status cepman_matrix_convert(cepman_matrix **out, cepman_context *context,
                                               const cepman_matrix *matrix, cepman_type type);
CEPMAN_API cepman_status cepman_matrix_save(const cepman_matrix *matrix, cepman_context *context,
                                            const char *path);
CEPMAN_API cepman_status cepman_labels_copy(cepman_labels **out, cepman_context *context,
                                            const int32_t *values, size_t count);
CEPMAN_API cepman_labels *cepman_labels_ref(cepman_labels *labels);
CEPMAN_API void cepman_labels_unref(cepman_labels *labels);
CEPMAN_API size_t cepman_labels_count(const cepman_labels *labels);
CEPMAN_API const int32_t *cepman_labels_data(const cepman_labels *labels);
CEPMAN_API size_t cepman_labels_clusters(const cepman_labels *labels);
CEPMAN_API size_t cepman_labels_noise(const cepman_labels *labels);
CEPMAN_API cepman_status cepman_labels_load(cepman_labels **out, cepman_context *context, const char *path);
CEPMAN_API cepman_status cepman_labels_save(const cepman_labels *labels, cepman_context *context,
                                            const char *path, size_t rows, size_t columns);
CEPMAN_API cepman_status cepman_npy_writer_create(cepman_npy_writer **out, cepman_context *context,
                                                  const char *path, cepman_type type, size_t dims,
                                                  const size_t *shape);
CEPMAN_API cepman_status cepman_npy_writer_append(cepman_npy_writer *writer, cepman_context *context,
                                                  const void *data, size_t count);
CEPMAN_API cepman_status cepman_npy_writer_commit(cepman_npy_writer *writer, cepman_context *context);
CEPMAN_API void cepman_npy_writer_unref(cepman_npy_writer *writer);
CEPMAN_END
#endif
#ifndef CEPMAN_DATASET_H
#define CEPMAN_DATASET_H
CEPMAN_BEGIN
typedef struct cepman_dataset cepman_dataset;
CEPMAN_API cepman_status cepman_dataset_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_dataset_open(cepman_dataset **out, cepman_context *context, const char *path,
                                             const cepman_options *options);
CEPMAN_API cepman_status cepman_dataset_wrap(cepman_dataset **out, cepman_context *context, const void *data,
                                             cepman_type type, size_t scan_rows, size_t scan_columns,
                                             size_t height, size_t width, cepman_destroy destroy, void *user);
typedef struct cepman_frame_source {
    size_t struct_size; 
    void *user;
    int (*read)(void *user, size_t first, size_t count, void *destination);
    size_t (*available)(void *user);
    void (*destroy)(void *user);
    int concurrent;
} cepman_frame_source;
CEPMAN_API cepman_status cepman_dataset_from_source(cepman_dataset **out, cepman_context *context,
                                                    const cepman_frame_source *source, cepman_type type,
                                                    size_t scan_rows, size_t scan_columns, size_t height,
                                                    size_t width);
CEPMAN_API cepman_status cepman_dataset_view_scan(cepman_dataset **out, cepman_context *context,
                                                  cepman_dataset *dataset, size_t first_row,
                                                  size_t first_column, size_t rows, size_t columns);
CEPMAN_API cepman_status cepman_dataset_view_detector(cepman_dataset **out, cepman_context *context,
                                                      cepman_dataset *dataset, size_t first_row,
                                                      size_t first_column, size_t height, size_t width);
CEPMAN_API cepman_status cepman_dataset_view_binned(cepman_dataset **out, cepman_context *context,
                                                    cepman_dataset *dataset, size_t factor);
CEPMAN_API cepman_status cepman_dataset_view_masked(cepman_dataset **out, cepman_context *context,
                                                    cepman_dataset *dataset, const uint8_t *mask);
CEPMAN_API cepman_status cepman_dataset_view_centred(cepman_dataset **out, cepman_context *context,
                                                     cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_dataset_view_calibrated(cepman_dataset **out, cepman_context *context,
                                                        cepman_dataset *dataset, double scan_step,
                                                        double reciprocal_pixel);
CEPMAN_API cepman_dataset *cepman_dataset_ref(cepman_dataset *dataset);
CEPMAN_API void cepman_dataset_unref(cepman_dataset *dataset);
CEPMAN_API size_t cepman_dataset_scan_rows(const cepman_dataset *dataset);
CEPMAN_API size_t cepman_dataset_scan_columns(const cepman_dataset *dataset);
CEPMAN_API size_t cepman_dataset_frames(const cepman_dataset *dataset); 
CEPMAN_API size_t cepman_dataset_height(const cepman_dataset *dataset);
CEPMAN_API size_t cepman_dataset_width(const cepman_dataset *dataset);
CEPMAN_API cepman_type cepman_dataset_type(const cepman_dataset *dataset);
CEPMAN_API int cepman_dataset_has_scan(const cepman_dataset *dataset);
CEPMAN_API size_t cepman_dataset_available(const cepman_dataset *dataset);
CEPMAN_API double cepman_dataset_scan_step(const cepman_dataset *dataset);
CEPMAN_API double cepman_dataset_reciprocal_pixel(const cepman_dataset *dataset);
CEPMAN_API const char *cepman_dataset_format(const cepman_dataset *dataset);
CEPMAN_API const uint8_t *cepman_dataset_mask(const cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_dataset_read(cepman_dataset *dataset, cepman_context *context, size_t first,
                                             size_t count, void *destination, size_t size);
CEPMAN_API cepman_status cepman_dataset_read_f32(cepman_dataset *dataset, cepman_context *context,
                                                 size_t first, size_t count, float *destination, size_t size);
typedef struct cepman_emd_writer cepman_emd_writer;
CEPMAN_API cepman_status cepman_emd_writer_create(cepman_emd_writer **out, cepman_context *context,
                                                  const char *path, cepman_dataset *scan);
CEPMAN_API cepman_status cepman_emd_writer_frames(cepman_emd_writer *writer, cepman_context *context);
CEPMAN_API cepman_status cepman_emd_writer_array(cepman_emd_writer *writer, cepman_context *context,
                                                 const char *name, cepman_type type, const char *axes,
                                                 const size_t *shape, const void *data);
CEPMAN_API cepman_status cepman_emd_writer_commit(cepman_emd_writer *writer, cepman_context *context);
CEPMAN_API void cepman_emd_writer_unref(cepman_emd_writer *writer);
CEPMAN_END
#endif
#ifndef CEPMAN_SIMULATE_H
#define CEPMAN_SIMULATE_H
CEPMAN_BEGIN
CEPMAN_API cepman_status cepman_simulate_options_create(cepman_options **out, cepman_context *context);
typedef struct cepman_simulation cepman_simulation;
CEPMAN_API cepman_status cepman_simulate_scan(cepman_simulation **out, cepman_context *context,
                                              const cepman_options *options);
CEPMAN_API cepman_simulation *cepman_simulation_ref(cepman_simulation *simulation);
CEPMAN_API void cepman_simulation_unref(cepman_simulation *simulation);
CEPMAN_API cepman_dataset *cepman_simulation_dataset(const cepman_simulation *simulation);
CEPMAN_API cepman_labels *cepman_simulation_truth(const cepman_simulation *simulation);
CEPMAN_API cepman_labels *cepman_simulation_boundary(const cepman_simulation *simulation);
CEPMAN_API cepman_matrix *cepman_simulation_state(const cepman_simulation *simulation);
CEPMAN_API const uint8_t *cepman_simulation_bad_pixels(const cepman_simulation *simulation);
CEPMAN_API cepman_status cepman_simulate(cepman_dataset **out, cepman_labels **truth, cepman_context *context,
                                         const cepman_options *options);
CEPMAN_END
#endif
#ifndef CEPMAN_CEPSTRUM_H
#define CEPMAN_CEPSTRUM_H
CEPMAN_BEGIN
typedef struct cepman_cepstrum cepman_cepstrum;
typedef struct cepman_cepstrum_worker cepman_cepstrum_worker;
CEPMAN_API cepman_status cepman_cepstrum_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_cepstrum_create(cepman_cepstrum **out, cepman_context *context,
                                                cepman_dataset *dataset, const cepman_options *options);
CEPMAN_API cepman_status cepman_cepstrum_create_for(cepman_cepstrum **out, cepman_context *context,
                                                    size_t height, size_t width, const uint8_t *mask,
                                                    double reciprocal_pixel, const cepman_options *options);
CEPMAN_API cepman_cepstrum *cepman_cepstrum_ref(cepman_cepstrum *cepstrum);
CEPMAN_API void cepman_cepstrum_unref(cepman_cepstrum *cepstrum);
CEPMAN_API size_t cepman_cepstrum_features(const cepman_cepstrum *cepstrum);
CEPMAN_API cepman_status cepman_cepstrum_coordinate(const cepman_cepstrum *cepstrum, size_t feature, int *y,
                                                    int *x);
CEPMAN_API size_t cepman_cepstrum_height(const cepman_cepstrum *cepstrum);
CEPMAN_API size_t cepman_cepstrum_width(const cepman_cepstrum *cepstrum);
CEPMAN_API size_t cepman_cepstrum_image_height(const cepman_cepstrum *cepstrum);
CEPMAN_API size_t cepman_cepstrum_image_width(const cepman_cepstrum *cepstrum);
CEPMAN_API double cepman_cepstrum_pixel(const cepman_cepstrum *cepstrum);
CEPMAN_API cepman_status cepman_cepstrum_options(cepman_options **out, cepman_context *context,
                                                 const cepman_cepstrum *cepstrum);
CEPMAN_API cepman_status cepman_cepstrum_run(cepman_matrix **out, cepman_context *context,
                                             const cepman_cepstrum *cepstrum, cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_cepstrum_run_file(const cepman_cepstrum *cepstrum, cepman_context *context,
                                                  cepman_dataset *dataset, const char *path);
CEPMAN_API cepman_status cepman_cepstrum_read(const cepman_cepstrum *cepstrum, cepman_context *context,
                                              cepman_dataset *dataset, size_t first, size_t count,
                                              float *destination, size_t stride);
CEPMAN_API cepman_status cepman_cepstrum_worker_create(cepman_cepstrum_worker **out, cepman_context *context,
                                                       cepman_cepstrum *cepstrum);
CEPMAN_API void cepman_cepstrum_worker_unref(cepman_cepstrum_worker *worker);
CEPMAN_API cepman_status cepman_cepstrum_run_frames(cepman_cepstrum_worker *worker, const void *frames,
                                                    cepman_type type, size_t count, size_t frame_stride,
                                                    float *destination, size_t stride);
CEPMAN_API const char *cepman_cepstrum_worker_error(const cepman_cepstrum_worker *worker);
CEPMAN_API cepman_status cepman_cepstrum_dataset(cepman_dataset **out, cepman_context *context,
                                                 cepman_cepstrum *cepstrum, cepman_dataset *dataset);
CEPMAN_END
#endif
#ifndef CEPMAN_PCA_H
#define CEPMAN_PCA_H
CEPMAN_BEGIN
typedef struct cepman_pca cepman_pca;
typedef struct cepman_pca_accumulator cepman_pca_accumulator;
CEPMAN_API cepman_status cepman_pca_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_pca_fit(cepman_pca **out, cepman_context *context,
                                        const cepman_matrix *matrix, const cepman_options *options);
CEPMAN_API cepman_status cepman_pca_copy(cepman_pca **out, cepman_context *context, size_t features,
                                         size_t components, const double *mean, const double *vectors,
                                         const double *variance, double total_variance, int whiten);
CEPMAN_API cepman_pca *cepman_pca_ref(cepman_pca *pca);
CEPMAN_API void cepman_pca_unref(cepman_pca *pca);
CEPMAN_API size_t cepman_pca_components(const cepman_pca *pca);
CEPMAN_API size_t cepman_pca_features(const cepman_pca *pca);
CEPMAN_API const double *cepman_pca_mean(const cepman_pca *pca);
CEPMAN_API const double *cepman_pca_component(const cepman_pca *pca, size_t component);
CEPMAN_API const double *cepman_pca_variance(const cepman_pca *pca);
CEPMAN_API double cepman_pca_total_variance(const cepman_pca *pca);
CEPMAN_API cepman_status cepman_pca_accumulator_create(cepman_pca_accumulator **out, cepman_context *context,
                                                       size_t features);
CEPMAN_API cepman_status cepman_pca_accumulator_add(cepman_pca_accumulator *accumulator,
                                                    cepman_context *context, const float *rows, size_t count,
                                                    size_t stride);
CEPMAN_API size_t cepman_pca_accumulator_rows(const cepman_pca_accumulator *accumulator);
CEPMAN_API cepman_status cepman_pca_accumulator_finish(cepman_pca **out, cepman_context *context,
                                                       cepman_pca_accumulator *accumulator,
                                                       const cepman_options *options);
CEPMAN_API void cepman_pca_accumulator_unref(cepman_pca_accumulator *accumulator);
CEPMAN_API void cepman_pca_accumulator_reset(cepman_pca_accumulator *accumulator);
CEPMAN_API size_t cepman_pca_accumulator_numbers(const cepman_pca_accumulator *accumulator);
CEPMAN_API cepman_status cepman_pca_accumulator_export(cepman_pca_accumulator *accumulator,
                                                       cepman_context *context, double *numbers);
CEPMAN_API cepman_status cepman_pca_accumulator_merge(cepman_pca_accumulator *accumulator,
                                                      cepman_context *context, const double *numbers);
CEPMAN_API cepman_status cepman_pca_project(const cepman_pca *pca, cepman_context *context, const float *rows,
                                            size_t count, size_t stride, float *scores, size_t scores_stride);
CEPMAN_API cepman_status cepman_pca_apply(cepman_matrix **out, cepman_context *context, const cepman_pca *pca,
                                          const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_pca_invert(cepman_matrix **out, cepman_context *context,
                                           const cepman_pca *pca, const cepman_matrix *scores);
CEPMAN_END
#endif
#ifndef CEPMAN_NEIGHBORS_H
#define CEPMAN_NEIGHBORS_H
CEPMAN_BEGIN
typedef struct cepman_neighbors cepman_neighbors;
CEPMAN_API cepman_status cepman_neighbors_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_neighbors_build(cepman_neighbors **out, cepman_context *context,
                                                const cepman_matrix *matrix, const cepman_options *options);
CEPMAN_API cepman_status cepman_neighbors_memory(size_t *bytes, cepman_context *context, size_t rows,
                                                 size_t columns, cepman_type type,
                                                 const cepman_options *options);
CEPMAN_API cepman_status cepman_neighbors_copy(cepman_neighbors **out, cepman_context *context, size_t n,
                                               size_t k, const int32_t *indices, const float *distances);
CEPMAN_API cepman_neighbors *cepman_neighbors_ref(cepman_neighbors *neighbors);
CEPMAN_API void cepman_neighbors_unref(cepman_neighbors *neighbors);
CEPMAN_API size_t cepman_neighbors_count(const cepman_neighbors *neighbors); 
CEPMAN_API size_t cepman_neighbors_k(const cepman_neighbors *neighbors);     
CEPMAN_API const int32_t *cepman_neighbors_indices(const cepman_neighbors *neighbors);
CEPMAN_API const float *cepman_neighbors_distances(const cepman_neighbors *neighbors);
CEPMAN_API const char *cepman_neighbors_method(const cepman_neighbors *neighbors);
CEPMAN_API double cepman_neighbors_recall(const cepman_neighbors *neighbors);
typedef struct cepman_neighbors_index cepman_neighbors_index;
CEPMAN_API cepman_status cepman_neighbors_index_create(cepman_neighbors_index **out, cepman_context *context,
                                                       cepman_matrix *matrix, const cepman_options *options);
CEPMAN_API cepman_status cepman_neighbors_index_query(const cepman_neighbors_index *index,
                                                      cepman_context *context, const cepman_matrix *rows,
                                                      int32_t *indices, float *distances);
CEPMAN_API cepman_neighbors_index *cepman_neighbors_index_ref(cepman_neighbors_index *index);
CEPMAN_API void cepman_neighbors_index_unref(cepman_neighbors_index *index);
CEPMAN_API size_t cepman_neighbors_index_count(const cepman_neighbors_index *index);
CEPMAN_API size_t cepman_neighbors_index_columns(const cepman_neighbors_index *index);
CEPMAN_API size_t cepman_neighbors_index_k(const cepman_neighbors_index *index);
CEPMAN_API const char *cepman_neighbors_index_method(const cepman_neighbors_index *index);
CEPMAN_API double cepman_neighbors_index_recall(const cepman_neighbors_index *index);
CEPMAN_END
#endif
#ifndef CEPMAN_UMAP_H
#define CEPMAN_UMAP_H
CEPMAN_BEGIN
typedef struct cepman_umap cepman_umap;
CEPMAN_API cepman_status cepman_umap_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_umap_fit(cepman_umap **out, cepman_context *context, cepman_matrix *matrix,
                                         const cepman_options *options);
CEPMAN_API cepman_status cepman_umap_fit_graph(cepman_umap **out, cepman_context *context,
                                               cepman_matrix *matrix, cepman_neighbors *neighbors,
                                               const cepman_options *options);
CEPMAN_API cepman_status cepman_umap_fit_given(cepman_umap **out, cepman_context *context,
                                               cepman_matrix *matrix, cepman_neighbors *neighbors,
                                               const cepman_labels *target, cepman_matrix *start,
                                               const cepman_options *options);
CEPMAN_API cepman_status cepman_umap_from_embedding(cepman_umap **out, cepman_context *context,
                                                    cepman_matrix *matrix, cepman_neighbors *neighbors,
                                                    cepman_matrix *embedding, const cepman_options *options);
CEPMAN_API cepman_umap *cepman_umap_ref(cepman_umap *umap);
CEPMAN_API void cepman_umap_unref(cepman_umap *umap);
CEPMAN_API cepman_matrix *cepman_umap_embedding(const cepman_umap *umap);
CEPMAN_API cepman_matrix *cepman_umap_features(const cepman_umap *umap);
CEPMAN_API cepman_neighbors *cepman_umap_neighbors(const cepman_umap *umap);
CEPMAN_API void cepman_umap_curve(const cepman_umap *umap, double *a, double *b);
CEPMAN_API size_t cepman_umap_epochs(const cepman_umap *umap);
CEPMAN_API const size_t *cepman_umap_graph_starts(const cepman_umap *umap);
CEPMAN_API const int32_t *cepman_umap_graph_columns(const cepman_umap *umap);
CEPMAN_API const float *cepman_umap_graph_weights(const cepman_umap *umap);
CEPMAN_API cepman_status cepman_umap_prepare(cepman_umap *umap, cepman_context *context);
CEPMAN_API cepman_status cepman_umap_apply(cepman_matrix **out, cepman_context *context, cepman_umap *umap,
                                           const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_umap_save(const cepman_umap *umap, cepman_context *context, const char *path);
CEPMAN_API cepman_status cepman_umap_load(cepman_umap **out, cepman_context *context, const char *path);
CEPMAN_END
#endif
#ifndef CEPMAN_VAE_H
#define CEPMAN_VAE_H
CEPMAN_BEGIN
typedef struct cepman_vae cepman_vae;
CEPMAN_API cepman_status cepman_vae_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_vae_fit(cepman_vae **out, cepman_context *context,
                                        const cepman_matrix *matrix, const cepman_options *options);
CEPMAN_API cepman_vae *cepman_vae_ref(cepman_vae *vae);
CEPMAN_API void cepman_vae_unref(cepman_vae *vae);
CEPMAN_API size_t cepman_vae_dims(const cepman_vae *vae);
CEPMAN_API size_t cepman_vae_features(const cepman_vae *vae);
CEPMAN_API size_t cepman_vae_epochs(const cepman_vae *vae);
CEPMAN_API const double *cepman_vae_reconstruction(const cepman_vae *vae);
CEPMAN_API const double *cepman_vae_divergence(const cepman_vae *vae);
CEPMAN_API cepman_matrix *cepman_vae_embedding(const cepman_vae *vae);
CEPMAN_API cepman_status cepman_vae_apply(cepman_matrix **out, cepman_context *context, const cepman_vae *vae,
                                          const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_vae_decode(cepman_matrix **out, cepman_context *context,
                                           const cepman_vae *vae, const cepman_matrix *latent);
CEPMAN_END
#endif
#ifndef CEPMAN_KMEANS_H
#define CEPMAN_KMEANS_H
CEPMAN_BEGIN
typedef struct cepman_kmeans cepman_kmeans;
CEPMAN_API cepman_status cepman_kmeans_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_kmeans_fit(cepman_kmeans **out, cepman_context *context,
                                           const cepman_matrix *matrix, const cepman_matrix *centres,
                                           const double *weights, const cepman_options *options);
CEPMAN_API cepman_kmeans *cepman_kmeans_ref(cepman_kmeans *kmeans);
CEPMAN_API void cepman_kmeans_unref(cepman_kmeans *kmeans);
CEPMAN_API cepman_labels *cepman_kmeans_labels(const cepman_kmeans *kmeans);
CEPMAN_API cepman_matrix *cepman_kmeans_centres(const cepman_kmeans *kmeans);
CEPMAN_API double cepman_kmeans_inertia(const cepman_kmeans *kmeans);
CEPMAN_API size_t cepman_kmeans_iterations(const cepman_kmeans *kmeans);
CEPMAN_API const double *cepman_kmeans_history(const cepman_kmeans *kmeans);
CEPMAN_API int cepman_kmeans_converged(const cepman_kmeans *kmeans);
CEPMAN_API cepman_status cepman_kmeans_apply(cepman_labels **out, cepman_context *context,
                                             const cepman_kmeans *kmeans, const cepman_matrix *matrix);
typedef struct cepman_kmeans_stream cepman_kmeans_stream;
CEPMAN_API cepman_status cepman_kmeans_stream_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_kmeans_stream_create(cepman_kmeans_stream **out, cepman_context *context,
                                                     size_t columns, const cepman_matrix *centres,
                                                     const cepman_options *options);
CEPMAN_API void cepman_kmeans_stream_unref(cepman_kmeans_stream *stream);
CEPMAN_API cepman_status cepman_kmeans_stream_add(cepman_kmeans_stream *stream, cepman_context *context,
                                                  const cepman_matrix *matrix, const double *weights);
CEPMAN_API uint64_t cepman_kmeans_stream_rows(const cepman_kmeans_stream *stream);
CEPMAN_API cepman_status cepman_kmeans_stream_model(cepman_kmeans **out, cepman_context *context,
                                                    const cepman_kmeans_stream *stream);
CEPMAN_END
#endif
#ifndef CEPMAN_MIXTURE_H
#define CEPMAN_MIXTURE_H
CEPMAN_BEGIN
typedef struct cepman_mixture cepman_mixture;
CEPMAN_API cepman_status cepman_mixture_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_mixture_fit(cepman_mixture **out, cepman_context *context,
                                            const cepman_matrix *matrix, const cepman_labels *start,
                                            const cepman_options *options);
CEPMAN_API cepman_mixture *cepman_mixture_ref(cepman_mixture *mixture);
CEPMAN_API void cepman_mixture_unref(cepman_mixture *mixture);
CEPMAN_API cepman_labels *cepman_mixture_labels(const cepman_mixture *mixture);
CEPMAN_API const double *cepman_mixture_responsibilities(const cepman_mixture *mixture);
CEPMAN_API size_t cepman_mixture_components(const cepman_mixture *mixture);
CEPMAN_API size_t cepman_mixture_columns(const cepman_mixture *mixture);
CEPMAN_API const double *cepman_mixture_weights(const cepman_mixture *mixture);
CEPMAN_API const double *cepman_mixture_means(const cepman_mixture *mixture);
CEPMAN_API const double *cepman_mixture_covariances(const cepman_mixture *mixture);
CEPMAN_API int cepman_mixture_diagonal(const cepman_mixture *mixture);
CEPMAN_API double cepman_mixture_log_likelihood(const cepman_mixture *mixture);
CEPMAN_API const double *cepman_mixture_history(const cepman_mixture *mixture);
CEPMAN_API size_t cepman_mixture_iterations(const cepman_mixture *mixture);
CEPMAN_API int cepman_mixture_converged(const cepman_mixture *mixture);
CEPMAN_API double cepman_mixture_bic(const cepman_mixture *mixture);
CEPMAN_API double cepman_mixture_aic(const cepman_mixture *mixture);
CEPMAN_API cepman_status cepman_mixture_apply(cepman_labels **out, double *responsibilities,
                                              double *densities, cepman_context *context,
                                              const cepman_mixture *mixture, const cepman_matrix *matrix);
CEPMAN_END
#endif
#ifndef CEPMAN_HDBSCAN_H
#define CEPMAN_HDBSCAN_H
CEPMAN_BEGIN
typedef struct cepman_hdbscan_tree cepman_hdbscan_tree;
typedef struct cepman_hdbscan cepman_hdbscan;
CEPMAN_API cepman_status cepman_hdbscan_tree_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_hdbscan_tree_build(cepman_hdbscan_tree **out, cepman_context *context,
                                                   const cepman_matrix *matrix,
                                                   const cepman_options *options);
CEPMAN_API cepman_status cepman_hdbscan_tree_build_distances(cepman_hdbscan_tree **out,
                                                             cepman_context *context, const double *distances,
                                                             size_t n, size_t stride,
                                                             const cepman_options *options);
CEPMAN_API cepman_status cepman_hdbscan_tree_build_neighbors(cepman_hdbscan_tree **out,
                                                             cepman_context *context,
                                                             const cepman_neighbors *graph,
                                                             const cepman_options *options);
CEPMAN_API cepman_hdbscan_tree *cepman_hdbscan_tree_ref(cepman_hdbscan_tree *tree);
CEPMAN_API void cepman_hdbscan_tree_unref(cepman_hdbscan_tree *tree);
CEPMAN_API size_t cepman_hdbscan_tree_points(const cepman_hdbscan_tree *tree);
CEPMAN_API const double *cepman_hdbscan_tree_core_distances(const cepman_hdbscan_tree *tree);
CEPMAN_API size_t cepman_hdbscan_tree_edges(const cepman_hdbscan_tree *tree);
CEPMAN_API cepman_status cepman_hdbscan_tree_edge(const cepman_hdbscan_tree *tree, size_t edge, size_t *from,
                                                  size_t *to, double *weight);
CEPMAN_API cepman_status cepman_hdbscan_tree_linkage(const cepman_hdbscan_tree *tree, cepman_context *context,
                                                     double *table);
CEPMAN_API cepman_status cepman_hdbscan_tree_cut(cepman_labels **out, cepman_context *context,
                                                 const cepman_hdbscan_tree *tree, double distance,
                                                 size_t min_cluster_size);
CEPMAN_API cepman_status cepman_hdbscan_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_hdbscan_extract(cepman_hdbscan **out, cepman_context *context,
                                                cepman_hdbscan_tree *tree, const cepman_options *options);
CEPMAN_API cepman_hdbscan *cepman_hdbscan_ref(cepman_hdbscan *clusters);
CEPMAN_API void cepman_hdbscan_unref(cepman_hdbscan *clusters);
CEPMAN_API cepman_labels *cepman_hdbscan_labels(const cepman_hdbscan *clusters);
CEPMAN_API const double *cepman_hdbscan_probabilities(const cepman_hdbscan *clusters);
CEPMAN_API const double *cepman_hdbscan_outlier_scores(const cepman_hdbscan *clusters);
CEPMAN_API const double *cepman_hdbscan_persistence(const cepman_hdbscan *clusters);
CEPMAN_API const uint8_t *cepman_hdbscan_exemplars(const cepman_hdbscan *clusters);
CEPMAN_API size_t cepman_hdbscan_condensed_clusters(const cepman_hdbscan *clusters);
CEPMAN_API cepman_status cepman_hdbscan_condensed_cluster(const cepman_hdbscan *clusters, size_t cluster,
                                                          size_t *parent, size_t *size, int32_t *label,
                                                          double *birth, double *death, double *stability);
CEPMAN_API cepman_status cepman_hdbscan_condensed_point(const cepman_hdbscan *clusters, size_t row,
                                                        size_t *cluster, double *lambda);
CEPMAN_API cepman_status cepman_hdbscan_apply(cepman_labels **out, double *probabilities,
                                              cepman_context *context, const cepman_hdbscan *clusters,
                                              const cepman_matrix *fitted, const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_hdbscan_membership(double *out, cepman_context *context,
                                                   const cepman_hdbscan *clusters,
                                                   const cepman_matrix *fitted, const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_hdbscan_relative_validity(double *out, cepman_context *context,
                                                          const cepman_hdbscan_tree *tree,
                                                          const cepman_labels *labels);
CEPMAN_END
#endif
#ifndef CEPMAN_CONSENSUS_H
#define CEPMAN_CONSENSUS_H
CEPMAN_BEGIN
CEPMAN_API cepman_status cepman_consensus_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_consensus_merge(cepman_labels **out, cepman_context *context,
                                                const cepman_labels *fine, const cepman_labels *coarse,
                                                const cepman_matrix *features, size_t scan_rows,
                                                size_t scan_columns, const cepman_options *options);
CEPMAN_END
#endif
#ifndef CEPMAN_DOMAINS_H
#define CEPMAN_DOMAINS_H
CEPMAN_BEGIN
CEPMAN_API cepman_status cepman_domains_options_create(cepman_options **out, cepman_context *context);
CEPMAN_API cepman_status cepman_domains_coherence(double *out, cepman_context *context,
                                                  const cepman_matrix *features, size_t scan_rows,
                                                  size_t scan_columns);
CEPMAN_API cepman_status cepman_domains_sharpen(cepman_matrix **out, cepman_context *context,
                                                const cepman_matrix *scores, const cepman_pca *pca,
                                                size_t scan_rows, size_t scan_columns,
                                                const cepman_options *options);
CEPMAN_API cepman_status cepman_domains_find(cepman_labels **out, cepman_context *context,
                                             const cepman_matrix *features, size_t scan_rows,
                                             size_t scan_columns, const cepman_options *options);
CEPMAN_API cepman_status cepman_domains_mixing(float *mixing, cepman_context *context,
                                               const cepman_labels *labels, const cepman_matrix *features,
                                               size_t scan_rows, size_t scan_columns,
                                               const cepman_options *options);
CEPMAN_END
#endif
#ifndef CEPMAN_HIERARCHY_H
#define CEPMAN_HIERARCHY_H
CEPMAN_BEGIN
typedef struct cepman_hierarchy cepman_hierarchy;
typedef enum cepman_node_kind {
    CEPMAN_NODE_ROOT = 0,
    CEPMAN_NODE_CLUSTER = 1,
    CEPMAN_NODE_NOISE = 2,   
    CEPMAN_NODE_EXCLUDED = 3 
} cepman_node_kind;
#define CEPMAN_NODE_NONE UINT64_MAX
CEPMAN_API cepman_status cepman_hierarchy_create(cepman_hierarchy **out, cepman_context *context,
                                                 size_t points, size_t rows, size_t columns);
CEPMAN_API cepman_hierarchy *cepman_hierarchy_ref(cepman_hierarchy *tree);
CEPMAN_API void cepman_hierarchy_unref(cepman_hierarchy *tree);
CEPMAN_API size_t cepman_hierarchy_points(const cepman_hierarchy *tree);
CEPMAN_API size_t cepman_hierarchy_rows(const cepman_hierarchy *tree);
CEPMAN_API size_t cepman_hierarchy_columns(const cepman_hierarchy *tree);
CEPMAN_API size_t cepman_hierarchy_nodes(const cepman_hierarchy *tree);
CEPMAN_API uint64_t cepman_hierarchy_node(const cepman_hierarchy *tree, size_t index);
CEPMAN_API cepman_status cepman_hierarchy_find(const cepman_hierarchy *tree, cepman_context *context,
                                               const char *path, uint64_t *node);
CEPMAN_API size_t cepman_hierarchy_path(const cepman_hierarchy *tree, uint64_t node, char *text, size_t size);
CEPMAN_API uint64_t cepman_hierarchy_parent(const cepman_hierarchy *tree,
                                            uint64_t node); 
CEPMAN_API cepman_node_kind cepman_hierarchy_kind(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API int32_t cepman_hierarchy_label(const cepman_hierarchy *tree,
                                          uint64_t node); 
CEPMAN_API size_t cepman_hierarchy_depth(const cepman_hierarchy *tree, uint64_t node); 
CEPMAN_API size_t cepman_hierarchy_children(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API uint64_t cepman_hierarchy_child(const cepman_hierarchy *tree, uint64_t node, size_t index);
CEPMAN_API size_t cepman_hierarchy_size(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API cepman_status cepman_hierarchy_members(size_t *points, cepman_context *context,
                                                  const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_method(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_parameters(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_space(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_version(const cepman_hierarchy *tree,
                                                uint64_t node); 
CEPMAN_API uint64_t cepman_hierarchy_seed(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API size_t cepman_hierarchy_scores(const cepman_hierarchy *tree, uint64_t node);
CEPMAN_API const char *cepman_hierarchy_score_name(const cepman_hierarchy *tree, uint64_t node, size_t index);
CEPMAN_API double cepman_hierarchy_score(const cepman_hierarchy *tree, uint64_t node, const char *name);
CEPMAN_API cepman_status cepman_hierarchy_split(cepman_hierarchy *tree, cepman_context *context,
                                                uint64_t node, const cepman_labels *labels,
                                                const char *method, const char *parameters, uint64_t seed);
CEPMAN_API cepman_status cepman_hierarchy_split_kmeans(cepman_hierarchy *tree, cepman_context *context,
                                                       uint64_t node, const cepman_matrix *matrix,
                                                       const cepman_options *options);
CEPMAN_API cepman_status cepman_hierarchy_split_mixture(cepman_hierarchy *tree, cepman_context *context,
                                                        uint64_t node, const cepman_matrix *matrix,
                                                        const cepman_options *options);
CEPMAN_API cepman_status cepman_hierarchy_split_hdbscan(cepman_hierarchy *tree, cepman_context *context,
                                                        uint64_t node, const cepman_matrix *matrix,
                                                        const cepman_options *of_tree,
                                                        const cepman_options *options);
CEPMAN_API cepman_status cepman_hierarchy_split_connected(cepman_hierarchy *tree, cepman_context *context,
                                                          uint64_t node, unsigned neighbours, size_t least);
CEPMAN_API cepman_status cepman_hierarchy_merge(cepman_hierarchy *tree, cepman_context *context,
                                                const uint64_t *nodes, size_t count);
CEPMAN_API cepman_status cepman_hierarchy_prune(cepman_hierarchy *tree, cepman_context *context,
                                                uint64_t node);
CEPMAN_API cepman_status cepman_hierarchy_assign_noise(cepman_hierarchy *tree, cepman_context *context,
                                                       uint64_t node, const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_hierarchy_set_space(cepman_hierarchy *tree, cepman_context *context,
                                                    uint64_t node, const char *space);
CEPMAN_API cepman_status cepman_hierarchy_set_score(cepman_hierarchy *tree, cepman_context *context,
                                                    uint64_t node, const char *name, double value);
CEPMAN_API cepman_status cepman_hierarchy_labels(cepman_labels **out, cepman_context *context,
                                                 const cepman_hierarchy *tree, size_t depth);
CEPMAN_API size_t cepman_hierarchy_label_nodes(const cepman_hierarchy *tree, size_t depth, uint64_t *nodes,
                                               size_t room);
CEPMAN_API cepman_status cepman_hierarchy_paths(int32_t *paths, cepman_context *context,
                                                const cepman_hierarchy *tree, size_t depth);
CEPMAN_API size_t cepman_hierarchy_height(const cepman_hierarchy *tree);
CEPMAN_API cepman_status cepman_hierarchy_save(const cepman_hierarchy *tree, cepman_context *context,
                                               const char *path);
CEPMAN_API cepman_status cepman_hierarchy_load(cepman_hierarchy **out, cepman_context *context,
                                               const char *path);
CEPMAN_END
#endif
#ifndef CEPMAN_VALIDITY_H
#define CEPMAN_VALIDITY_H
CEPMAN_BEGIN
CEPMAN_API cepman_status cepman_validity_accuracy(double *out, cepman_context *context,
                                                  const cepman_labels *labels, const cepman_labels *truth);
CEPMAN_API cepman_status cepman_validity_ari(double *out, cepman_context *context,
                                             const cepman_labels *labels, const cepman_labels *truth);
CEPMAN_API cepman_status cepman_validity_ami(double *out, cepman_context *context,
                                             const cepman_labels *labels, const cepman_labels *truth);
CEPMAN_API cepman_status cepman_validity_silhouette(double *out, double *values, cepman_context *context,
                                                    const cepman_matrix *matrix, const cepman_labels *labels,
                                                    size_t sample, uint64_t seed);
CEPMAN_API cepman_status cepman_validity_simplified_silhouette(double *out, cepman_context *context,
                                                               const cepman_matrix *matrix,
                                                               const cepman_labels *labels);
CEPMAN_API cepman_status cepman_validity_calinski_harabasz(double *out, cepman_context *context,
                                                           const cepman_matrix *matrix,
                                                           const cepman_labels *labels);
CEPMAN_API cepman_status cepman_validity_davies_bouldin(double *out, cepman_context *context,
                                                        const cepman_matrix *matrix,
                                                        const cepman_labels *labels);
CEPMAN_API cepman_status cepman_validity_inertia(double *out, cepman_context *context,
                                                 const cepman_matrix *matrix, const cepman_labels *labels);
CEPMAN_API cepman_status cepman_validity_gap(double *gap, double *deviation, cepman_context *context,
                                             const cepman_matrix *matrix, const cepman_labels *labels,
                                             size_t references, uint64_t seed);
CEPMAN_API cepman_status cepman_validity_agreement(double *out, cepman_context *context,
                                                   const cepman_labels *const *labels, size_t count);
CEPMAN_API cepman_status cepman_validity_stability(double *out, cepman_context *context,
                                                   const cepman_matrix *matrix, const cepman_options *kmeans,
                                                   size_t runs, double fraction);
CEPMAN_API cepman_status cepman_validity_dbcv(double *out, double *values, cepman_context *context,
                                              const cepman_matrix *matrix, const cepman_labels *labels);
CEPMAN_END
#endif
#ifndef CEPMAN_MAPS_H
#define CEPMAN_MAPS_H
CEPMAN_BEGIN
CEPMAN_API cepman_status cepman_maps_virtual(float *out, cepman_context *context, cepman_dataset *dataset,
                                             double centre_y, double centre_x, double inner, double outer);
CEPMAN_API cepman_status cepman_maps_statistics(float *mean, float *deviation, float *maximum,
                                                cepman_context *context, cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_maps_beam(double *centre_y, double *centre_x, double *radius,
                                          cepman_context *context, cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_maps_beam_sampled(double *centre_y, double *centre_x, double *radius,
                                                  cepman_context *context, cepman_dataset *dataset,
                                                  size_t frames);
CEPMAN_API cepman_status cepman_maps_centre_of_mass(float *y, float *x, cepman_context *context,
                                                    cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_maps_cluster_means(cepman_matrix **out, cepman_context *context,
                                                   cepman_dataset *dataset, const cepman_labels *labels);
CEPMAN_API cepman_status cepman_maps_differences(cepman_matrix **out, cepman_context *context,
                                                 const cepman_matrix *means, size_t clusters);
CEPMAN_API cepman_status cepman_maps_label_colours(uint8_t *rgb, cepman_context *context,
                                                   const cepman_labels *labels);
CEPMAN_API cepman_status cepman_pixels_options_create(cepman_options **out, cepman_context *context);
typedef enum cepman_pixel_kind {
    CEPMAN_PIXEL_GOOD = 0,
    CEPMAN_PIXEL_HOT = 1,   
    CEPMAN_PIXEL_DEAD = 2,  
    CEPMAN_PIXEL_STUCK = 3, 
    CEPMAN_PIXEL_FLICKERING = 4 
} cepman_pixel_kind;
typedef enum cepman_value_kind {
    CEPMAN_VALUE_NAN = 0,
    CEPMAN_VALUE_INFINITE = 1,
    CEPMAN_VALUE_NEGATIVE = 2, 
    CEPMAN_VALUE_SATURATED = 3 
} cepman_value_kind;
typedef struct cepman_pixels cepman_pixels;
CEPMAN_API cepman_status cepman_maps_pixels(cepman_pixels **out, cepman_context *context,
                                            cepman_dataset *dataset, const cepman_options *options);
CEPMAN_API cepman_pixels *cepman_pixels_ref(cepman_pixels *pixels);
CEPMAN_API void cepman_pixels_unref(cepman_pixels *pixels);
CEPMAN_API size_t cepman_pixels_height(const cepman_pixels *pixels);
CEPMAN_API size_t cepman_pixels_width(const cepman_pixels *pixels);
CEPMAN_API const uint8_t *cepman_pixels_kinds(const cepman_pixels *pixels);
CEPMAN_API size_t cepman_pixels_count(const cepman_pixels *pixels, cepman_pixel_kind kind);
CEPMAN_API uint64_t cepman_pixels_values(const cepman_pixels *pixels, cepman_value_kind kind);
CEPMAN_API size_t cepman_pixels_frames(const cepman_pixels *pixels);
CEPMAN_API double cepman_pixels_saturation(const cepman_pixels *pixels);
CEPMAN_API double cepman_pixels_contrast(const cepman_pixels *pixels);
typedef struct cepman_maps_pass cepman_maps_pass;
CEPMAN_API cepman_status cepman_maps_pass_create(cepman_maps_pass **out, cepman_context *context,
                                                 cepman_dataset *dataset);
CEPMAN_API void cepman_maps_pass_unref(cepman_maps_pass *pass);
CEPMAN_API cepman_status cepman_maps_pass_virtual(cepman_maps_pass *pass, cepman_context *context, float *out,
                                                  cepman_dataset *dataset, double centre_y, double centre_x,
                                                  double inner, double outer);
CEPMAN_API cepman_status cepman_maps_pass_centre_of_mass(cepman_maps_pass *pass, cepman_context *context,
                                                         float *y, float *x, cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_maps_pass_statistics(cepman_maps_pass *pass, cepman_context *context,
                                                     float *mean, float *deviation, float *maximum,
                                                     cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_maps_pass_beam(cepman_maps_pass *pass, cepman_context *context,
                                               double *centre_y, double *centre_x, double *radius,
                                               cepman_dataset *dataset);
CEPMAN_API cepman_status cepman_maps_pass_pixels(cepman_maps_pass *pass, cepman_context *context,
                                                 cepman_pixels **out, cepman_dataset *dataset,
                                                 const cepman_options *options);
CEPMAN_API cepman_status cepman_maps_pass_cluster_means(cepman_maps_pass *pass, cepman_context *context,
                                                        cepman_matrix **out, cepman_dataset *dataset,
                                                        const cepman_labels *labels);
CEPMAN_API cepman_status cepman_maps_pass_run(cepman_maps_pass *pass, cepman_context *context);
CEPMAN_END
#endif
