// A plugin of qemu that counts the instructions of a program, and says how many there were so far whenever the
// program calls umask(). Debian ships qemu with plugins but without the header, whose part is declared here
// (docs/devel/tcg-plugins.rst of qemu 7.2). Counts of several threads at once can be lost.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

struct qemu_plugin_tb;
typedef void (*OnTranslation)(uint64_t plugin, struct qemu_plugin_tb*);
typedef void (*OnSyscall)(uint64_t plugin, unsigned cpu, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t,
                          uint64_t, uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin, OnTranslation);
void qemu_plugin_register_vcpu_syscall_cb(uint64_t plugin, OnSyscall);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int operation, void* to, uint64_t value);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);

enum { ADD_U64 = 0, UMASK = 166 };  // the operation; the system call on aarch64

int qemu_plugin_version = 1;
static uint64_t instructions;

static void translated(uint64_t plugin, struct qemu_plugin_tb* block) {
  (void)plugin;
  qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &instructions, qemu_plugin_tb_n_insns(block));
}

static void called(uint64_t plugin, unsigned cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                   uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  (void)plugin, (void)cpu, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if (number == UMASK) fprintf(stderr, "%" PRIu64 " instructions\n", instructions);
}

int qemu_plugin_install(uint64_t plugin, const void* info, int argc, char** argv) {
  (void)info, (void)argc, (void)argv;
  qemu_plugin_register_vcpu_tb_trans_cb(plugin, translated);
  qemu_plugin_register_vcpu_syscall_cb(plugin, called);
  return 0;
}
