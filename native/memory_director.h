// MemoryDirector as JavaScript sees it; see ts/native/addon.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "memory_world.h"

class MemoryDirector : public Napi::ObjectWrap<MemoryDirector> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit MemoryDirector(const Napi::CallbackInfo& info);

 private:
  void PutService(const Napi::CallbackInfo& info);
  Napi::Value PutConnection(const Napi::CallbackInfo& info);
  void PutRoute(const Napi::CallbackInfo& info);
  void SetClock(const Napi::CallbackInfo& info);
  Napi::Value Run(const Napi::CallbackInfo& info);
  Napi::Value IcmpError(const Napi::CallbackInfo& info);
  Napi::Value IsCaptured(const Napi::CallbackInfo& info);
  Napi::Value Sweep(const Napi::CallbackInfo& info);
  Napi::Value Recount(const Napi::CallbackInfo& info);

  template <typename T>
  size_t Array(const Napi::CallbackInfo& info, const char* name, T** elements, size_t count);

  std::vector<Napi::Reference<Napi::ArrayBuffer>> buffers_;
  std::unique_ptr<MemoryWorld> world_;
  size_t destinations_ = 0;
  uint32_t now_ = 0;
};
