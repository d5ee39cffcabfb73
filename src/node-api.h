// What every addon here has of Node-API: errors as exceptions, arguments, arrays.
#pragma once
#include <node_api.h>
#include <exception>

struct Failure { const char* message; };

#define CALL(expression) do { if ((expression) != napi_ok) throw Failure{"Node-API refuses: " #expression}; } while (0)

template <napi_value (*body)(napi_env, napi_callback_info)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return body(env, info);
  } catch (const Failure& failure) {
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (!pending) napi_throw_error(env, nullptr, failure.message);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

template <int count>
struct Arguments {
  napi_value at[count];
  Arguments(napi_env env, napi_callback_info info) {
    size_t given = count;
    CALL(napi_get_cb_info(env, info, &given, at, nullptr, nullptr));
    if (given < count) throw Failure{"arguments are missing"};
  }
};

inline int64_t whole(napi_env env, napi_value value) {
  int64_t number;
  CALL(napi_get_value_int64(env, value, &number));
  return number;
}

template <class T>
T* array(napi_env env, napi_value value, napi_typedarray_type type, size_t* size) {
  napi_typedarray_type own;
  void* data;
  CALL(napi_get_typedarray_info(env, value, &own, size, &data, nullptr, nullptr));
  if (own != type) throw Failure{"an array of another type"};
  return static_cast<T*>(data);
}

template <napi_value (*body)(napi_env, napi_callback_info)>
void give(napi_env env, napi_value exports, const char* name) {
  napi_value function;
  CALL(napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<body>, nullptr, &function));
  CALL(napi_set_named_property(env, exports, name, function));
}
