// Kernel sockets as bytes in and bytes out; what the bytes mean is TypeScript's.
#pragma once

#include <napi.h>

#include <atomic>
#include <thread>

#include "bpf.h"

/// A NETLINK_ROUTE socket. A thread of its own waits for datagrams.
class NetlinkSocket : public Napi::ObjectWrap<NetlinkSocket> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit NetlinkSocket(const Napi::CallbackInfo& info);
  ~NetlinkSocket() override;

 private:
  void Send(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);
  void Receive();
  void Stop();

  Fd fd_;
  Fd wake_;
  std::atomic<bool> stopping_ = false;
  Napi::ThreadSafeFunction receive_;
  std::thread thread_;
};

/// netnsCookie()
Napi::Value NetnsCookie(const Napi::CallbackInfo& info);
