// What the addon's files share: errors in Node's form, and arguments checked once.
#pragma once

#include <napi.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string>

/// A failed system call, thrown to JavaScript in the form Node gives its own:
/// `code` (the errno's name), `errno` (negative) and `syscall`.
inline Napi::Error SystemError(Napi::Env env, const std::string& syscall, int error) {
  const char* name = strerrorname_np(error);
  std::string code = name ? name : std::to_string(error);
  Napi::Error thrown = Napi::Error::New(env, code + ": " + strerror(error) + ", " + syscall);
  thrown.Set("code", code);
  thrown.Set("errno", Napi::Number::New(env, -error));
  thrown.Set("syscall", syscall);
  return thrown;
}

/// The bytes of a Uint8Array argument, which must be `size` long unless size is 0.
inline std::span<uint8_t> Bytes(const Napi::Value& value, const char* name, size_t size = 0) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().ElementSize() != 1)
    throw Napi::TypeError::New(value.Env(), std::string("expected a Uint8Array for ") + name);
  auto array = value.As<Napi::Uint8Array>();
  if (size != 0 && array.ByteLength() != size)
    throw Napi::TypeError::New(value.Env(), "expected " + std::to_string(size) + " bytes for " +
                                                name + ", received " +
                                                std::to_string(array.ByteLength()));
  return {array.Data(), array.ByteLength()};
}

inline std::string Text(const Napi::Value& value, const char* name) {
  if (!value.IsString())
    throw Napi::TypeError::New(value.Env(), std::string("expected a string for ") + name);
  return value.As<Napi::String>().Utf8Value();
}

inline uint32_t Number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber())
    throw Napi::TypeError::New(value.Env(), std::string("expected a number for ") + name);
  return value.As<Napi::Number>().Uint32Value();
}

/// A member of an options object.
inline Napi::Value Member(const Napi::Value& object, const char* name) {
  if (!object.IsObject())
    throw Napi::TypeError::New(object.Env(), std::string("expected an object with ") + name);
  return object.As<Napi::Object>().Get(name);
}

/// Calls JavaScript from a thread-safe function: what it throws is the process's uncaught
/// exception, as for any other callback.
inline void CallBack(const Napi::Function& function,
                     const std::initializer_list<napi_value>& args) {
  try {
    function.Call(args);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  }
}
