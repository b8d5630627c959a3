// BPF objects and maps as JavaScript sees them.
#pragma once

#include <bpf/libbpf.h>
#include <napi.h>
#include <xdp/libxdp.h>

#include <string>

/// An open file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Take()) {}
  Fd& operator=(Fd&& other) noexcept {
    Reset(other.Take());
    return *this;
  }
  ~Fd() { Reset(-1); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Reset(int fd);

 private:
  int Take() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  int fd_;
};

/// One map of a loaded object. Keeps the map alive by a descriptor of its own.
class BpfMap : public Napi::ObjectWrap<BpfMap> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit BpfMap(const Napi::CallbackInfo& info);

 private:
  Napi::Value Get(const Napi::CallbackInfo& info);
  void Set(const Napi::CallbackInfo& info);
  Napi::Value Delete(const Napi::CallbackInfo& info);
  Napi::Value Keys(const Napi::CallbackInfo& info);
  Napi::Value Mmap(const Napi::CallbackInfo& info);
  Napi::Value Layout(const Napi::CallbackInfo& info);

  Fd fd_;
  uint32_t key_size_ = 0;
  uint32_t value_size_ = 0;
  uint32_t max_entries_ = 0;
};

/// A loaded BPF object.
class BpfObject : public Napi::ObjectWrap<BpfObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit BpfObject(const Napi::CallbackInfo& info);
  ~BpfObject() override;

  /// Descriptors that stay this object's; -1 when it has none of the name.
  int MapFd(const char* name) const;
  int ProgramFd(const char* name) const;

 private:
  Napi::Value Map(const Napi::CallbackInfo& info);
  Napi::Value ProgramId(const Napi::CallbackInfo& info);
  Napi::Value ProgramFd(const Napi::CallbackInfo& info);
  Napi::Value Owns(const Napi::CallbackInfo& info);
  Napi::Value ProgramTag(const Napi::CallbackInfo& info);
  Napi::Value Attach(const Napi::CallbackInfo& info);
  Napi::Value TestRun(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  bpf_program* Program(const Napi::CallbackInfo& info) const;
  bool AttachByDispatcher(int ifindex, xdp_attach_mode mode);
  void Release();

  std::string path_;
  bpf_object* object_ = nullptr;
  /// The same program once more, over the same maps, as libxdp wants to load it.
  xdp_program* dispatched_ = nullptr;
};

/// A program's tag in hexadecimal.
std::string TagText(const uint8_t (&tag)[BPF_TAG_SIZE]);

/// openMap(id)
Napi::Value OpenMap(const Napi::CallbackInfo& info);

/// attachedProgram(ifindex, name), detach(ifindex, programId)
Napi::Value AttachedProgram(const Napi::CallbackInfo& info);
void Detach(const Napi::CallbackInfo& info);
