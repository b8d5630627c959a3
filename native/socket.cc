#include "socket.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "common.h"

namespace {

#ifndef SO_NETNS_COOKIE
constexpr int SO_NETNS_COOKIE = 71;  // Linux 5.14
#endif
/// The kernel writes dumps in pieces of at most 32 KiB.
constexpr size_t kDatagramBytes = 65536;
constexpr int kReceiveBufferBytes = 4 << 20;

}  // namespace

Napi::Function NetlinkSocket::Define(Napi::Env env) {
  return DefineClass(env, "NetlinkSocket",
                     {InstanceMethod("send", &NetlinkSocket::Send),
                      InstanceMethod("close", &NetlinkSocket::Close)});
}

/// new NetlinkSocket(groups, receive)
NetlinkSocket::NetlinkSocket(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<NetlinkSocket>(info) {
  Napi::Env env = info.Env();
  fd_.Reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd_) throw SystemError(env, "socket", errno);
  wake_.Reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes,
             sizeof(kReceiveBufferBytes));
  sockaddr_nl local = {};
  local.nl_family = AF_NETLINK;
  local.nl_groups = Number(info[0], "groups");
  if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&local), sizeof(local)) < 0)
    throw SystemError(env, "bind", errno);
  receive_ = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "xlvs netlink", 0, 1);
  receive_.Unref(env);
  thread_ = std::thread([this] { Receive(); });
}

NetlinkSocket::~NetlinkSocket() { Stop(); }

/// An overrun (ENOBUFS) is told as an empty datagram: notifications were lost.
void NetlinkSocket::Receive() {
  pollfd fds[2] = {{fd_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
  while (!stopping_) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (stopping_) return;
    auto* datagram = new std::vector<uint8_t>(kDatagramBytes);
    ssize_t length = recv(fd_.get(), datagram->data(), datagram->size(), MSG_DONTWAIT);
    if (length < 0 && errno != ENOBUFS) {
      delete datagram;
      continue;
    }
    datagram->resize(length < 0 ? 0 : static_cast<size_t>(length));
    auto status = receive_.NonBlockingCall(
        datagram, [](Napi::Env env, Napi::Function receive, std::vector<uint8_t>* data) {
          auto bytes = Napi::Uint8Array::New(env, data->size());
          memcpy(bytes.Data(), data->data(), data->size());
          delete data;
          CallBack(receive, {bytes});
        });
    if (status != napi_ok) delete datagram;
  }
}

void NetlinkSocket::Send(const Napi::CallbackInfo& info) {
  auto message = Bytes(info[0], "message");
  if (send(fd_.get(), message.data(), message.size(), 0) < 0)
    throw SystemError(info.Env(), "send", errno);
}

void NetlinkSocket::Close(const Napi::CallbackInfo&) { Stop(); }

void NetlinkSocket::Stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = write(wake_.get(), &one, sizeof(one));
  thread_.join();
  receive_.Abort();
}

Napi::Value NetnsCookie(const Napi::CallbackInfo& info) {
  Fd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  if (!any || getsockopt(any.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
    throw SystemError(info.Env(), "getsockopt SO_NETNS_COOKIE", errno);
  return Napi::String::New(info.Env(), std::to_string(cookie));
}
