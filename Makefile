# Builds, boots, debugs and tests Ostia. One Makefile, no recursion; everything made goes to build/.
#
#   make setup qemu        install what is missing, build, boot to a shell
#   make setup test        the same, then every test
#   make help              every target
#
# Variables: CPUS= MEM= BOOTARGS= (the machine), TOOLPREFIX= (the cross compiler), WERROR=0, DEBUG=1,
# UBSAN=1, LEAN=1 (no debug information but the kernel's lines), V=1 (show commands), BUILD= (where to
# build), TEST= (which tests), BENCH= (which figures), LAB= (which lab), GDBPORT= (where QEMU waits for GDB).
# docs/1-overview.md says what the parts are. Read this file from top to bottom: tools, what is built
# from what (host tools, mig stubs, kernel, user programs, images), then what one can do with it.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all

CPUS     ?= 3
MEM      ?= 128M
BOOTARGS ?=
WERROR   ?= 1
TEST     ?=
BENCH    ?=
BUILD    ?= build$(if $(filter 1,$(DEBUG)),-debug)$(if $(filter 1,$(UBSAN)),-ubsan)

Q := $(if $(filter 1,$(V)),,@)
say = @printf '  %-7s %s\n' '$(1)' '$(2)'

# ---- Tools -------------------------------------------------------------------------------------
# Each is looked for once, when the Makefile is read; none needs to be there for "make setup".
have  = $(shell command -v $(1) 2>/dev/null)
first = $(firstword $(foreach tool,$(1),$(if $(call have,$(tool)),$(tool))))

CROSS_GCC := $(call first,aarch64-linux-gnu-gcc aarch64-none-elf-gcc aarch64-elf-gcc \
                 aarch64-unknown-elf-gcc)
ifndef TOOLPREFIX
TOOLPREFIX := $(patsubst %gcc,%,$(CROSS_GCC))
endif
CC      := $(TOOLPREFIX)gcc
LD      := $(TOOLPREFIX)ld
AR      := $(TOOLPREFIX)ar
NM      := $(TOOLPREFIX)nm
OBJCOPY := $(TOOLPREFIX)objcopy
STRIP   := $(TOOLPREFIX)strip
HOSTCC  := $(call first,cc gcc clang)
QEMU    ?= qemu-system-aarch64
GDB     ?= $(call first,gdb-multiarch aarch64-elf-gdb aarch64-linux-gnu-gdb gdb)
HAS_PYTEST := import importlib.util as u; u.find_spec("pytest") and print(1)
PYTHON  := $(or $(PYTHON),$(firstword $(foreach p,/usr/bin/python3 python3,\
               $(if $(shell $(p) -c '$(HAS_PYTEST)' 2>/dev/null),$(p)))))
# GNU's tar, for its --mtime.
TAR     := $(call first,gtar $(if $(filter Darwin,$(shell uname 2>/dev/null)),,tar))
NPROC   ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# The packages that hold the tools, one row a package manager: cross compiler, host compiler,
# emulator, debugger, Python with pytest, GNU tar, the shell dash, the model checker SPIN (not packaged
# everywhere).
PACKAGER := $(call first,apt-get dnf pacman brew)
SUDO     := $(if $(filter 0,$(shell id -u)),,sudo )
pkg.apt-get.cross := gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu
pkg.apt-get.host  := gcc libc6-dev
pkg.apt-get.qemu  := qemu-system-arm
pkg.apt-get.gdb   := gdb-multiarch
pkg.apt-get.test  := python3 python3-pytest
pkg.apt-get.tar   := tar
pkg.apt-get.spin  := spin
pkg.apt-get.dash  := dash
pkg.dnf.cross     := gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu
pkg.dnf.host      := gcc glibc-devel
pkg.dnf.qemu      := qemu-system-aarch64-core
pkg.dnf.gdb       := gdb
pkg.dnf.test      := python3 python3-pytest
pkg.dnf.tar       := tar
pkg.dnf.dash      := dash
pkg.pacman.cross  := aarch64-linux-gnu-gcc aarch64-linux-gnu-binutils
pkg.pacman.host   := gcc
pkg.pacman.qemu   := qemu-system-aarch64
pkg.pacman.gdb    := aarch64-linux-gnu-gdb
pkg.pacman.test   := python python-pytest
pkg.pacman.tar    := tar
pkg.pacman.dash   := dash
pkg.brew.cross    := aarch64-elf-gcc aarch64-elf-binutils
pkg.brew.host     := gcc
pkg.brew.qemu     := qemu
pkg.brew.gdb      := aarch64-elf-gdb
pkg.brew.test     := python pytest
pkg.brew.tar      := gnu-tar
pkg.brew.spin     := spin
pkg.brew.dash     := dash-shell
install.apt-get = $(SUDO)apt-get install -y --no-install-recommends $(1)
install.dnf     = $(SUDO)dnf install -y $(1)
install.pacman  = $(SUDO)pacman -S --needed --noconfirm $(1)
install.brew    = brew install $(1)

MISSING := $(if $(call have,$(CC)),,cross) $(if $(HOSTCC),,host) $(if $(call have,$(QEMU)),,qemu) \
           $(if $(GDB),,gdb) $(if $(PYTHON)$(call have,pytest),,test) $(if $(TAR),,tar) \
           $(if $(call have,spin),,spin) $(if $(call have,dash),,dash)
MISSING_PACKAGES := $(strip $(foreach what,$(MISSING),$(pkg.$(PACKAGER).$(what))))
PYTEST := $(if $(PYTHON),$(PYTHON) -m pytest,pytest)

# need WHAT,NAME: stop with one line when a tool is missing.
need = $(if $(filter $(1),$(MISSING)),$(error $(2) is missing; install it with: \
    $(if $(PACKAGER),$(call install.$(PACKAGER),$(pkg.$(PACKAGER).$(1))),your package manager)))

# ---- make setup [other goals] --------------------------------------------------------------------
# With other goals named, the rest of this file is read anew once setup is through, because it is
# read with the tools that setup installs.
GOALS := $(or $(MAKECMDGOALS),all)
ifneq ($(filter setup,$(GOALS)),)
.PHONY: $(GOALS)
REST := $(filter-out setup,$(GOALS))
setup:
ifneq ($(MISSING_PACKAGES)$(filter-out spin dash,$(MISSING)),)
	@test -n "$(PACKAGER)" || { echo "setup knows apt, dnf, pacman and brew, and finds none;" \
	    "install by hand: $(strip $(MISSING))" >&2; exit 1; }
	$(if $(filter apt-get,$(PACKAGER)),$(SUDO)apt-get update)
	$(if $(filter apt-get,$(PACKAGER)),DEBIAN_FRONTEND=noninteractive )$(call \
	    install.$(PACKAGER),$(MISSING_PACKAGES))
else
	@:
endif
ifneq ($(REST),)
$(firstword $(REST)): setup
	+@$(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(NPROC)) $(REST)
$(filter-out $(firstword $(REST)),$(REST)): $(firstword $(REST)) ; @:
endif
else

# The goals that the labs' machine runs (grade/lab); those in NO_COMPILER compile nothing.
LAB_GOALS   := labs lab grade handin handouts grade-batch grade-stress mutants
NO_COMPILER := labs lab handin handouts doctor
ifneq ($(filter-out clean help cloc gdb print-% $(NO_COMPILER),$(GOALS)),)
$(call need,cross,an AArch64 compiler ($(or $(TOOLPREFIX),aarch64-linux-gnu-)gcc))
$(call need,host,a C compiler for this machine)
$(call need,tar,tar)
endif
ifneq ($(filter qemu qemu-% test bench bench-record stress grade grade-batch grade-stress mutants,$(GOALS)),)
$(call need,qemu,QEMU for AArch64 ($(QEMU)))
endif
ifneq ($(filter test bench bench-record $(LAB_GOALS),$(GOALS)),)
$(call need,test,pytest)
endif
ifneq ($(filter gdb,$(GOALS)),)
$(call need,gdb,a GDB that knows AArch64)
endif

# Use every processor (NPROC= for another number); setup's second make has been told already.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(NPROC)
endif

# ---- Flags ---------------------------------------------------------------------------------------
GCC_INCLUDE := $(shell $(CC) -print-file-name=include 2>/dev/null)
LIBGCC      := $(shell $(CC) -print-libgcc-file-name 2>/dev/null)
WARN        := -Wall -Wextra $(if $(filter 0,$(WERROR)),,-Werror)
CHECKS      := $(if $(filter 1,$(DEBUG)),-DDEBUG) \
    $(if $(filter 1,$(UBSAN)),-fsanitize=undefined -fsanitize-undefined-trap-on-error)
# No tables for unwinding in memory: nothing here throws. (The debugger's are beside the code.)
NO_UNWIND   := -fno-asynchronous-unwind-tables -fno-unwind-tables
DEPS         = -MMD -MP -MF $@.d
COMMON      := -std=gnu11 -O2 $(WARN) $(CHECKS) -ffreestanding -nostdlib -nostdinc \
    -isystem $(GCC_INCLUDE) -fno-omit-frame-pointer -mno-outline-atomics -fno-pie -fno-common \
    $(NO_UNWIND)
KERNEL_CFLAGS := $(COMMON) $(if $(LEAN),-g1,-g) -mgeneral-regs-only -fno-stack-protector \
    -fno-strict-aliasing -Wno-unused-parameter -DKERNEL -Ikernel/include -I$(BUILD)/mig/kernel
USER_CFLAGS := $(COMMON) $(if $(LEAN),,-g) -fno-stack-protector -Wno-unused-parameter -Iuser/include \
    -Iuser/include/xv6 -Ikernel/include -I$(BUILD)/mig/user
HOST_CFLAGS := -std=gnu11 $(if $(LEAN),-O1,-O2 -g) $(WARN)
LDFLAGS     := -nostdlib -static -z max-page-size=4096 -z noexecstack

# A file that changes when the flags do, so that all is compiled again. (Written here, since make considers
# all that depends on it, by each way, as long as a command for it runs.)
FLAGS := $(HOSTCC) $(HOST_CFLAGS) $(CC) $(KERNEL_CFLAGS) $(USER_CFLAGS)
ifneq ($(file <$(BUILD)/flags),$(FLAGS))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/flags,$(FLAGS))
endif

# All files below $(1) called $(2), in the same order on every machine.
files = $(sort $(shell find $(1) -name '$(2)' 2>/dev/null))
objects = $(addprefix $(BUILD)/obj/,$(addsuffix .o,$(1)))

# ---- Host tools: the interface generator, the file system's builder and checker --------------------
MIGCOM := $(BUILD)/host/migcom
MKFS   := $(BUILD)/host/mkfs
MKDISK := $(BUILD)/host/mkdisk
FSCK   := $(BUILD)/host/fsck

host = $(addprefix $(BUILD)/obj/host/,$(addsuffix .o,$(1)))
MKFS_LIB := $(BUILD)/obj/host/mkfs.a
$(MKFS_LIB): $(call host,$(filter-out mkfs/mkfs.c mkfs/mkdisk.c mkfs/fsck.c,$(wildcard mkfs/*.c)))
	$(Q)mkdir -p $(@D) && rm -f $@ && ar qcs $@ $^
$(MIGCOM): $(call host,$(wildcard mig/*.c))
$(MKFS): $(call host,mkfs/mkfs.c) $(MKFS_LIB)
$(FSCK): $(call host,mkfs/fsck.c) $(MKFS_LIB)
$(MKDISK): $(call host,mkfs/mkdisk.c)
$(MIGCOM) $(MKFS) $(MKDISK) $(FSCK):
	$(call say,HOSTLD,$@)
	$(Q)mkdir -p $(@D) && $(HOSTCC) -o $@ $^

$(BUILD)/obj/host/%.c.o: %.c $(BUILD)/flags
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $(DEPS) -c -o $@ $<

# ---- mig: every interface (.defs) becomes client stubs, and a server's side where one is ours ------
# kernel/include/mach/X.defs: the kernel serves it, except for the types, and for what the kernel
# itself sends (notifications, exceptions, requests to pagers), which user tasks serve.
MACH_DEFS  := $(basename $(notdir $(wildcard kernel/include/mach/*.defs)))
SENT       := $(filter exc notify memory_object memory_object_default,$(MACH_DEFS))
SERVED     := $(filter-out %_types $(SENT),$(MACH_DEFS))
SERVER_DEFS := $(wildcard user/servers/*/*.defs)
SERVERS_IF := $(basename $(notdir $(SERVER_DEFS)))
vpath %.defs $(sort $(dir $(SERVER_DEFS)))

MIG_KERNEL := $(addprefix $(BUILD)/mig/kernel/mach/,$(SERVED:=_server.c) \
    $(addsuffix _user.c,$(filter-out exc,$(SENT)))) # (exception.c makes its messages itself)
MIG_USER   := $(addprefix $(BUILD)/mig/user/mach/,$(SERVED:=_user.c) $(SENT:=_user.c)) \
    $(SERVERS_IF:%=$(BUILD)/mig/user/servers/%_user.c)
MIG_SERVER := $(SENT:%=$(BUILD)/mig/user/mach/%_server.c) \
    $(SERVERS_IF:%=$(BUILD)/mig/user/servers/%_server.c)
MIG_KERNEL_H := $(MIG_KERNEL:.c=.h)
MIG_USER_H   := $(MIG_USER:_user.c=.h) $(MIG_SERVER:.c=.h)

# migrun CPPFLAGS,ROLE,C-FILE,HEADER: the .defs file through the C preprocessor to the generator. Both
# outputs depend on all that was included. X.table, what each message looks like, is made with X.h.
migrun = $(Q)mkdir -p $(@D) && $(CC) -E -x c -nostdinc -Iuser/include -Ikernel/include -Iuser/servers \
    -DMIG $(1) -MMD -MP -MF $(basename $(3)).d -MT '$(3) $(4)' $< > $(basename $(3)).mig && \
    $(MIGCOM) $(2) $(basename $(3)).mig
mig_user   = $(call migrun,$(1),$(2) -user $(3) -header $(4) -table $(4:.h=.table),$(3),$(4))
mig_server = $(call migrun,$(1),$(2) -server $(3) -sheader $(4),$(3),$(4))

$(BUILD)/mig/kernel/mach/%_server.c $(BUILD)/mig/kernel/mach/%_server.h: \
        kernel/include/mach/%.defs $(MIGCOM)
	$(call say,MIG,$< (kernel serves))
	$(call mig_server,-DKERNEL_SERVER,-kernel-server,$(@D)/$*_server.c,$(@D)/$*_server.h)

$(BUILD)/mig/kernel/mach/%_user.c $(BUILD)/mig/kernel/mach/%_user.h: \
        kernel/include/mach/%.defs $(MIGCOM)
	$(call say,MIG,$< (kernel sends))
	$(call mig_user,-DKERNEL_USER,-kernel-user,$(@D)/$*_user.c,$(@D)/$*_user.h)

$(BUILD)/mig/user/mach/%_user.c $(BUILD)/mig/user/mach/%.h: kernel/include/mach/%.defs $(MIGCOM)
	$(call say,MIG,$<)
	$(call mig_user,,,$(@D)/$*_user.c,$(@D)/$*.h)

$(BUILD)/mig/user/mach/%_server.c $(BUILD)/mig/user/mach/%_server.h: \
        kernel/include/mach/%.defs $(MIGCOM)
	$(call say,MIG,$< (server))
	$(call mig_server,,,$(@D)/$*_server.c,$(@D)/$*_server.h)

$(BUILD)/mig/user/servers/%_user.c $(BUILD)/mig/user/servers/%.h: %.defs $(MIGCOM)
	$(call say,MIG,$<)
	$(call mig_user,,,$(@D)/$*_user.c,$(@D)/$*.h)

$(BUILD)/mig/user/servers/%_server.c $(BUILD)/mig/user/servers/%_server.h: %.defs $(MIGCOM)
	$(call say,MIG,$< (server))
	$(call mig_server,,,$(@D)/$*_server.c,$(@D)/$*_server.h)

# What the fuzzer knows of all interfaces: the requests of mig's table, as rows of a C array (fuzz.h).
FUZZ_TABLE := $(BUILD)/mig/user/fuzz_table.h
FUZZ_DEFS  := $(MACH_DEFS:%=kernel/include/mach/%.defs) $(SERVER_DEFS)
define FUZZ_AWK
BEGIN {
    FS = "[(,) ]+"
    split("STRUCT BYTES ARRAY BYTES VAR_ARRAY ARRAY VAR_STRING STRING ROOM VALUE VAR_MEMORY MEMORY " \
          "VAR_PORTS PORTS", pair, " ")
    for (i = 1; i < 15; i += 2) short[pair[i]] = pair[i + 1]
}
/^MIG_ROUTINE/ { printf "%s{\"%s\", %d, %d", n++ ? "}},\n" : "", $$2, $$3, $$4; request = 0 }
/^MIG_REQUEST/ { printf ", %d, %d, {{0, 0, 0, 0}", $$3, $$4; request = 1 }
/^MIG_REPLY/   { request = 0 }
/^MIG_FIELD/ && request {
    kind = $$2 in short ? short[$$2] : $$2
    printf ", {FIELD_%s, %d, %d, %d}", kind, $$8, $$4, $$2 == "COUNT" || $$2 == "ROOM" ? 4 : $$6 * $$7
}
END { if (n) print "}}," }
endef
export FUZZ_AWK
$(FUZZ_TABLE): $(filter-out %_types.defs,$(FUZZ_DEFS)) $(MIGCOM)
	$(call say,MIG,$@)
	$(Q)mkdir -p $(@D)/fuzz && for defs in $(filter %.defs,$^); do name=$(@D)/fuzz/$${defs##*/}; \
	    $(CC) -E -x c -nostdinc -Iuser/include -Ikernel/include -Iuser/servers -DMIG $$defs > $$name && \
	    $(MIGCOM) -table $$name.table $$name || exit 1; awk "$$FUZZ_AWK" $$name.table; done > $@
MIG_USER_H += $(FUZZ_TABLE)

# ---- The kernel ----------------------------------------------------------------------------------
# Linked twice: the symbol table for its backtraces (kernel/include/ksyms.h) is made from the first
# link. Text lies before it, so its addresses do not move; the last step checks that.
KERNEL      := $(BUILD)/kernel.elf
KSYMS       := $(BUILD)/kernel/ksyms
KERNEL_OBJS := $(call objects,$(call files,kernel,*.S) $(call files,kernel,*.c)) \
    $(MIG_KERNEL:=.o)
KERNEL_LD   := kernel/aarch64/kernel.ld

$(BUILD)/obj/kernel/%.c.o: kernel/%.c $(BUILD)/flags | $(MIG_KERNEL_H)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) $(DEPS) -c -o $@ $<

$(BUILD)/obj/kernel/%.S.o: kernel/%.S $(BUILD)/flags | $(MIG_KERNEL_H)
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) $(DEPS) -c -o $@ $<

$(BUILD)/mig/kernel/%.c.o: $(BUILD)/mig/kernel/%.c $(BUILD)/flags | $(MIG_KERNEL_H)
	$(call say,CC,$(notdir $<))
	$(Q)$(CC) $(KERNEL_CFLAGS) $(DEPS) -c -o $@ $<

# nm's list of functions, sorted by address, as an assembler file.
define KSYMS_AWK
BEGIN {
    n = at = 0
    print "// Made by the Makefile; see kernel/include/ksyms.h.\n.section .rodata.ksyms, \"a\""
}
$$2 ~ /^[tT]$$/ && $$3 !~ /^[$$.]/ { address[n] = $$1; name[n++] = $$3 }
END {
    print ".balign 8\n.globl ksyms_base\nksyms_base: .quad " (n ? "0x" address[0] : 0)
    print ".globl ksyms_count\nksyms_count: .word " n + 0 "\n.globl ksyms_offset\nksyms_offset:"
    for (i = 0; i < n; i++) print ".word 0x" address[i] " - 0x" address[0]
    print ".globl ksyms_name\nksyms_name:"
    for (i = 0; i < n; i++) { print ".word " at; at += length(name[i]) + 1 }
    print ".word " at + 0 "\n.globl ksyms_strings\nksyms_strings:"
    for (i = 0; i < n; i++) print ".asciz \"" name[i] "\""
    print ".byte 0"
}
endef
export KSYMS_AWK
ksyms = LC_ALL=C $(NM) -n $(1) | awk "$$KSYMS_AWK" > $(2)

$(KERNEL): $(KERNEL_OBJS) $(KERNEL_LD)
	$(call say,LD,$@)
	$(Q)mkdir -p $(dir $(KSYMS)) && awk "$$KSYMS_AWK" < /dev/null > $(KSYMS)-0.S && \
	    $(CC) -c -o $(KSYMS)-0.o $(KSYMS)-0.S && \
	    $(LD) $(LDFLAGS) -T $(KERNEL_LD) -o $(KSYMS)-0.elf $(KERNEL_OBJS) $(KSYMS)-0.o
	$(Q)$(call ksyms,$(KSYMS)-0.elf,$(KSYMS).S) && $(CC) -c -o $(KSYMS).o $(KSYMS).S && \
	    $(LD) $(LDFLAGS) -T $(KERNEL_LD) -Map $(@:.elf=.map) -o $@ $(KERNEL_OBJS) $(KSYMS).o
	$(Q)$(call ksyms,$@,$(KSYMS)-1.S) && cmp -s $(KSYMS).S $(KSYMS)-1.S || \
	    { echo "kernel.ld: functions moved when the symbol table was added: text must come" \
	      "before .rodata" >&2; rm -f $@; exit 1; }

$(BUILD)/kernel.img: $(KERNEL)
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

# ---- User programs -------------------------------------------------------------------------------
LIBC      := $(BUILD)/user/libc.a
LIBSERVER := $(BUILD)/user/libserver.a
LIBS      := --start-group $(LIBSERVER) $(LIBC) $(LIBGCC) --end-group
USER_LD   := user/lib/user.ld

# A program is a file, or a folder of them: NAME.c or NAME/*.c.
programs = $(sort $(basename $(notdir $(wildcard $(1)/*.c))) \
    $(patsubst $(1)/%/,%,$(dir $(wildcard $(1)/*/*.c))))
SERVERS := $(call programs,user/servers)
BINS    := $(call programs,user/bin)
EXAMPLES := $(call programs,user/examples)
LAB_TESTS := $(sort $(basename $(notdir $(wildcard labs/*/tests/*.c))))
TESTS   := $(call programs,user/tests) $(LAB_TESTS)
ON_DISK := $(BINS:%=bin/%) $(EXAMPLES:%=examples/%) $(TESTS:%=tests/%)
PROGRAMS := $(SERVERS:%=servers/%) $(ON_DISK)

LIBC_OBJS := $(call objects,$(call files,user/lib,*.S) \
    $(filter-out user/lib/fileserver/%,$(call files,user/lib,*.c))) $(MIG_USER:=.o)

$(BUILD)/obj/user/%.c.o: user/%.c $(BUILD)/flags | $(MIG_USER_H)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(DEPS) -c -o $@ $<

# The labs' in-guest tests (labs/README.md); they use the headers of user/tests.
$(BUILD)/obj/labs/%.c.o: labs/%.c $(BUILD)/flags | $(MIG_USER_H)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -Iuser/tests $(DEPS) -c -o $@ $<

$(BUILD)/obj/user/%.S.o: user/%.S $(BUILD)/flags | $(MIG_USER_H)
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(DEPS) -c -o $@ $<

# libm does not set errno, so that a square root is an instruction, not a call of itself; and it says itself
# where a product is not to be rounded.
$(patsubst %,$(BUILD)/obj/%.o,$(wildcard user/lib/libc/math_*.c)): USER_CFLAGS += -fno-math-errno \
    -ffp-contract=off

# No FP registers where there are no numbers of that kind, in libc, in servers and in stubs: the first use by
# a thread traps, and each switch after that saves 32 of them, for the copy of a few words. (What takes `...`
# of such numbers, and hands them on, has them in registers.)
WITH_FP := calendar format% math_% rand48 scan strtod printf snprintf asprintf err error
NO_FP   := $(filter-out $(WITH_FP:%=user/lib/libc/%.c),$(wildcard user/lib/libc/*.c)) \
    $(wildcard user/lib/libmach/*.c user/servers/*/*.c)
$(NO_FP:%=$(BUILD)/obj/%.o): USER_CFLAGS += -mgeneral-regs-only
$(BUILD)/mig/user/%.c.o: $(BUILD)/mig/user/%.c $(BUILD)/flags | $(MIG_USER_H)
	$(call say,CC,$(notdir $<))
	$(Q)$(CC) $(USER_CFLAGS) -mgeneral-regs-only $(DEPS) -c -o $@ $<

# These are traps first (user/lib/libmach/traps.S).
$(BUILD)/mig/user/mach/mach_port_user.c.o: USER_CFLAGS += -Dmach_port_deallocate=mach_port_deallocate_rpc \
    -Dmach_port_request_notification=mach_port_request_notification_rpc
$(BUILD)/mig/user/mach/vm_map_user.c.o: USER_CFLAGS += -Dvm_allocate=vm_allocate_rpc \
    -Dvm_deallocate=vm_deallocate_rpc

# A server's stubs call its own routines; an archive links them into the programs that have those.
$(LIBC): $(LIBC_OBJS)
$(LIBSERVER): $(MIG_SERVER:=.o)
$(LIBC) $(LIBSERVER):
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) qcsD $@ $^

# What file servers have in common is compiled for each, with its own fs.h (user/lib/fileserver/server.h).
# That of those whose files are made when somebody looks is in a folder there; it has what names.c, pager.c
# and device.c are for.
FILE_SERVERS := file tmpfs
MADE_SERVERS := devproc
FILE_SERVER_SOURCES := $(wildcard user/lib/fileserver/*.c)
MADE_SERVER_SOURCES := $(filter-out %/names.c %/pager.c %/device.c,$(FILE_SERVER_SOURCES)) \
    $(wildcard user/lib/fileserver/made/*.c)
define file_server_rule
common.servers/$(1) := $(patsubst user/lib/fileserver/%,$(BUILD)/obj/user/servers/$(1)/common/%.o,$(2))
$(BUILD)/obj/user/servers/$(1)/%: USER_CFLAGS += -iquote user/servers/$(1) $(3) -iquote user/lib/fileserver
$(BUILD)/obj/user/servers/$(1)/common/%: USER_CFLAGS += -mgeneral-regs-only
$(BUILD)/obj/user/servers/$(1)/common/%.c.o: user/lib/fileserver/%.c $(BUILD)/flags | $(MIG_USER_H)
	$$(call say,CC,$$< ($(1)))
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(CC) $$(USER_CFLAGS) $$(DEPS) -c -o $$@ $$<
endef
$(foreach server,$(FILE_SERVERS),$(eval $(call file_server_rule,$(server),$(FILE_SERVER_SOURCES))))
$(foreach server,$(MADE_SERVERS),$(eval $(call file_server_rule,$(server),$(MADE_SERVER_SOURCES),\
    -iquote user/lib/fileserver/made)))

program_objects = $(call objects,$(wildcard user/$(1).c user/$(1)/*.c user/$(1)/*.S labs/*/$(1).c)) \
    $(common.$(1))
define program_rule
$(BUILD)/user/$(1): $(call program_objects,$(1)) $(LIBC) $(LIBSERVER) $(USER_LD)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D) && $(LD) $(LDFLAGS) -u _start -T $(USER_LD) -o $$@ $$(filter %.o,$$^) $(LIBS)
endef
$(foreach program,$(PROGRAMS),$(eval $(call program_rule,$(program))))

# What goes into the images has no symbols; GDB reads those of build/user. But /bin's programs keep the names
# of their functions, for the report of a crash (user/servers/proc/report.c): they are never mapped.
$(BUILD)/stripped/bin/%: STRIP_FLAGS := --strip-debug --wildcard --strip-symbol='$$*'
$(BUILD)/stripped/%: $(BUILD)/user/%
	$(Q)mkdir -p $(@D) && $(STRIP) $(STRIP_FLAGS) -o $@ $<

# ---- Images: the boot archive, and the disk --------------------------------------------------------
# The boot archive holds what runs before there is a file system: bootstrap (first), the servers, and
# the list of those to start. boot-test.tar has the in-guest Mach tests as well (grade/README.md).
TAR_FLAGS := --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=u=rwX,go=rX
BOOT_NAMES := bootstrap $(filter-out bootstrap,$(SERVERS)) etc/servers
SERVERS_CONF := user/servers/bootstrap/servers
BOOT_TESTS := $(filter mach_%,$(TESTS))

$(BUILD)/boot.tar: $(SERVERS:%=$(BUILD)/stripped/servers/%) $(SERVERS_CONF)
	$(call say,TAR,$@)
	$(Q)rm -rf $(BUILD)/boot && mkdir -p $(BUILD)/boot/etc
	$(Q)cp $(SERVERS:%=$(BUILD)/stripped/servers/%) $(BUILD)/boot && cp $(SERVERS_CONF) $(BUILD)/boot/etc
	$(Q)$(TAR) $(TAR_FLAGS) -C $(BUILD)/boot -cf $@ $(BOOT_NAMES)

$(BUILD)/boot-test.tar: $(BUILD)/boot.tar $(BOOT_TESTS:%=$(BUILD)/stripped/tests/%)
	$(call say,TAR,$@)
	$(Q)$(TAR) $(TAR_FLAGS) -C $(BUILD)/boot -cf $@ $(BOOT_NAMES) \
	    -C ../stripped $(BOOT_TESTS:%=tests/%)

# The disk is made anew whenever a program or a file of user/root changes, as in xv6: what a running
# system wrote to it lasts until then.
# DEVICES lists the device nodes of /dev, which a folder of the host cannot hold.
FS_SIZE := 64M
ROOT_FILES := $(call files,user/root,*)
DEVICES    := $(wildcard user/devices)
DISK_PROGRAMS := $(ON_DISK:%=$(BUILD)/stripped/%)
$(BUILD)/fs.img: $(MKFS) $(DISK_PROGRAMS) $(ROOT_FILES) $(DEVICES)
	$(call say,MKFS,$@)
	$(Q)rm -rf $(BUILD)/root && mkdir -p $(BUILD)/root
	$(Q)test ! -d user/root || cp -R user/root/. $(BUILD)/root
	$(Q)cd $(BUILD)/stripped && $(TAR) -cf - $(ON_DISK) | $(TAR) -xf - -C ../root
	$(Q)ln $(BUILD)/root/bin/test '$(BUILD)/root/bin/['
	$(Q)$(MKFS) $@ -s $(FS_SIZE) -d $(BUILD)/root $(DEVICES:%=-D @%)

# The disk a system has: that file system, and a partition the default pager swaps to.
SWAP_SIZE := 512M
$(BUILD)/disk.img: $(MKDISK) $(BUILD)/fs.img
	$(call say,MKDISK,$@)
	$(Q)$(MKDISK) $@ $(BUILD)/fs.img $(SWAP_SIZE)

# ---- The SDK: what a program of one's own is built with, out of this tree (docs/sdk.md) ---------------
SDK := $(BUILD)/sdk
SDK_SCRIPTS := $(wildcard user/sdk/*)
$(SDK)/made: $(SDK_SCRIPTS) $(LIBC) $(LIBSERVER) $(USER_LD) user/lib/pie.ld $(MIG_USER_H) \
        $(call files,user/include,*.h) $(call files,kernel/include/mach,*.h) $(BUILD)/kernel.img \
        $(BUILD)/boot.tar $(BUILD)/fs.img $(MKFS) $(MKDISK) $(DEVICES)
	$(call say,SDK,$(SDK))
	$(Q)rm -rf $(SDK) && mkdir -p $(SDK)/bin $(SDK)/lib $(SDK)/include
	$(Q)cp -R user/include/. $(SDK)/include && cp -R kernel/include/mach $(SDK)/include && \
	    cp -R $(BUILD)/mig/user/. $(SDK)/include && \
	    find $(SDK)/include -type f ! -name '*.h' -exec rm {} +
	$(Q)cp $(LIBC) $(LIBSERVER) $(BUILD)/kernel.img $(BUILD)/boot.tar $(SDK)/lib && \
	    { sed 's|^    /DISCARD/|    .tls : { *(.tdata .tdata.* .tbss .tbss.*) } :data\n&|' $(USER_LD) && \
	    echo 'ASSERT(SIZEOF(.tls) == 0,' \
	    '"thread-local variables are not supported: use pthread_getspecific")'; } \
	    > $(SDK)/lib/ostia.ld && cp user/lib/pie.ld $(SDK)/lib/ostia-pie.ld && \
	    cat /dev/null $(DEVICES) > $(SDK)/lib/devices
	$(Q)for name in m pthread rt; do $(AR) qcs $(SDK)/lib/lib$$name.a; done
	$(Q)cp $(MKFS) $(MKDISK) $(SDK)/bin && cp -R $(BUILD)/root $(SDK)/root
	$(Q)for script in $(SDK_SCRIPTS); do sed -e 's|@CC@|$(CC)|' -e 's|@QEMU@|$(QEMU)|' \
	    -e 's|@FS_SIZE@|$(FS_SIZE)|' -e 's|@SWAP_SIZE@|$(SWAP_SIZE)|' $$script \
	    > $(SDK)/bin/$${script##*/} && chmod +x $(SDK)/bin/$${script##*/}; done
	$(Q)touch $@

# ---- What to make --------------------------------------------------------------------------------
.PHONY: all fs.img boot.tar sdk qemu qemu-nox qemu-gdb gdb test bench bench-record stress clean cloc help

IMAGES := $(BUILD)/kernel.img $(BUILD)/boot.tar $(BUILD)/boot-test.tar $(BUILD)/disk.img
all: $(IMAGES) $(FSCK)             ## everything: kernel, boot archive, disk image, tools
fs.img: $(BUILD)/fs.img         ## the file system's image alone
boot.tar: $(BUILD)/boot.tar     ## the boot archive alone
sdk: $(SDK)/made                ## headers, libraries and commands for programs of one's own: build/sdk

# The boot arguments test= and bench= need the archive with the test programs.
# A program first_* is itself the first task (labs/README.md): its archive has nothing else.
FIRST  := $(patsubst test=%,%,$(filter test=first_%,$(BOOTARGS)))
IN_TEST := $(findstring test=,$(BOOTARGS))$(findstring bench=,$(BOOTARGS))
INITRD := $(if $(FIRST),first/$(FIRST).tar,$(if $(IN_TEST),boot-test.tar,boot.tar))
$(BUILD)/first/%.tar: $(BUILD)/stripped/tests/%
	$(call say,TAR,$@)
	$(Q)mkdir -p $(@D)/$* && cp $< $(@D)/$*/bootstrap
	$(Q)$(TAR) $(TAR_FLAGS) -C $(@D)/$* -cf $@ bootstrap

# GICv2 and modern virtio-mmio are what the drivers speak; no network card,
# for which some QEMUs lack a ROM file and do not start.
QEMU_FLAGS = -M virt,gic-version=2 -cpu cortex-a72 -smp $(CPUS) -m $(MEM) -nographic -nic none \
    -global virtio-mmio.force-legacy=false -kernel $(BUILD)/kernel.img -initrd $(BUILD)/$(INITRD) \
    -append "$(BOOTARGS)" -drive file=$(BUILD)/disk.img,if=none,format=raw,id=hd0 \
    -device virtio-blk-device,drive=hd0

qemu: $(IMAGES) $(BUILD)/$(INITRD)      ## boot to a shell (leave with C-a x)
	$(Q)exec $(QEMU) $(QEMU_FLAGS)
qemu-nox: qemu                  ## the same, by xv6's name

# A port of this user's own, or the next one that is free.
qemu-gdb: $(IMAGES) $(BUILD)/$(INITRD)  ## boot, and wait for "make gdb" in another terminal
	$(Q)port=$(or $(GDBPORT),$$((25000 + $$(id -u) % 5000))); \
	while (exec 3<>/dev/tcp/127.0.0.1/$$port) 2>/dev/null; do port=$$((port + 1)); done; \
	sed -e "s|@PORT@|$$port|g" -e "s|@BUILD@|$(BUILD)|g" .gdbinit.tmpl > .gdbinit; \
	echo "waiting for GDB on port $$port: run 'make gdb' in another terminal"; \
	exec $(QEMU) $(QEMU_FLAGS) -S -gdb tcp:127.0.0.1:$$port

gdb:                            ## debug what "make qemu-gdb" started
	$(Q)test -f .gdbinit || { echo "run 'make qemu-gdb' in another terminal first" >&2; exit 1; }
	$(Q)exec $(GDB) -q -iex "set auto-load safe-path $(CURDIR)"

RUN_PYTEST = OSTIA_BUILD=$(BUILD) CROSS=$(TOOLPREFIX) QEMU=$(QEMU) PYTHONPYCACHEPREFIX=$(BUILD)/pycache \
    $(PYTEST) -p no:cacheprovider
test: all $(BUILD)/boot-ram.tar ## every test, or those matching TEST=expression
	$(Q)$(RUN_PYTEST) grade $(if $(TEST),-k "$(TEST)")

RUN_BENCH = OSTIA_BUILD=$(BUILD) CROSS=$(TOOLPREFIX) QEMU=$(QEMU) PYTHONPYCACHEPREFIX=$(BUILD)/pycache \
    $(or $(PYTHON),python3) grade/bench.py
bench: all $(BUILD)/boot-ram.tar        ## measure, in instructions (BENCH=glob for some)
	$(Q)$(RUN_BENCH) $(if $(BENCH),"$(BENCH)")

bench-record: all $(BUILD)/boot-ram.tar ## measure, and make it the record in docs/performance.md
	$(Q)$(RUN_BENCH) --record $(if $(BENCH),"$(BENCH)")

SEEDS   ?= 1
SECONDS ?= 120
COUNT   ?= 1000000
stress: all                     ## chaos and fuzzer for long (SEEDS=1,2 SECONDS=120 COUNT=1000000)
	$(Q)$(RUN_BENCH:bench.py=stress.py) $(SEEDS) $(SECONDS) $(COUNT)

clean:                          ## remove everything made
	$(Q)rm -rf $(BUILD) .gdbinit

cloc:                           ## the kernel's lines of code, blank lines and comments left out
	$(Q)total=0; for d in kernel/*/; do n=0; \
	for f in $$(find $$d -name '*.[chS]'); do \
	    n=$$((n + $$($(or $(call have,$(CC)),$(HOSTCC)) -fpreprocessed -dD -E -P -x c $$f 2>/dev/null \
	        | grep -c .))); done; printf '%7d  %s\n' $$n $$d; total=$$((total + n)); done; \
	printf '%7d  kernel\n' $$total

# ---- Labs (labs/README.md, docs/student.md, docs/instructor.md) ----------------------------------------
# LAB= names one; in a student's tree it is known. What they do is in grade/lab.
.PHONY: labs lab grade handin handouts grade-batch grade-stress mutants doctor qemu-record qemu-replay
.PHONY: lab-images lab-images-objects lab-first lab-first-objects
LAB         ?=
DIR         ?=
FROM        ?=
SEED        ?=
OUT         ?=
FORMAT      ?=
SUBMISSION  ?=
SUBMISSIONS ?=
RUN_LAB = OSTIA_BUILD=$(BUILD) CROSS=$(TOOLPREFIX) QEMU=$(QEMU) \
    PYTHONPYCACHEPREFIX=$(abspath $(BUILD)/pycache) \
    PYTHONPATH=grade $(or $(PYTHON),python3) -m lab

labs:                           ## the labs, their exercises and points
	$(Q)$(RUN_LAB) labs
lab:                            ## a lab's starter: LAB=name [DIR=folder] [FROM=mine]
	$(Q)$(RUN_LAB) lab --lab "$(LAB)" --dir "$(DIR)" --from "$(FROM)"
grade:                          ## score the lab you work on [TEST=part of a name] [SEED=] [SUBMISSION=]
	$(Q)$(RUN_LAB) grade --lab "$(LAB)" --test "$(TEST)" --seed "$(SEED)" --out "$(OUT)" \
	    --format "$(FORMAT)" --submission "$(SUBMISSION)"
handin:                         ## a tar of what the lab lets you change
	$(Q)$(RUN_LAB) handin --lab "$(LAB)" --out "$(OUT)"
handouts:                       ## a tar of each lab's starter
	$(Q)$(RUN_LAB) handouts --lab "$(LAB)" --out "$(OUT)"
grade-batch:                    ## grade a class: LAB=name SUBMISSIONS=folder [OUT=folder] [JOBS=n]
	$(Q)$(RUN_LAB) batch --lab "$(LAB)" --submissions "$(SUBMISSIONS)" --out "$(OUT)" \
	    --seed "$(SEED)" --jobs "$(JOBS)"
grade-stress:                   ## grade the same on a busy machine, and compare: LAB=name [N=100] [LOADS=4]
	$(Q)$(RUN_LAB) stress --lab "$(LAB)" --count "$(N)" --loads "$(LOADS)"
mutants:                        ## show that the labs' tests reject wrong solutions [LAB=] [TEST=]
	$(Q)$(RUN_LAB) mutants --lab "$(LAB)" --test "$(TEST)"
doctor:                         ## what is missing here, or too old, and how to mend it
	$(Q)OSTIA_PACKAGER="$(PACKAGER)" OSTIA_CC="$(CC)" OSTIA_HOSTCC="$(HOSTCC)" OSTIA_QEMU="$(QEMU)" \
	    OSTIA_GDB="$(GDB)" OSTIA_TAR="$(TAR)" OSTIA_PYTHON="$(PYTHON)" \
	    $(foreach what,cross host qemu gdb test tar,OSTIA_INSTALL_$(what)="$(call \
	    install.$(PACKAGER),$(pkg.$(PACKAGER).$(what)))") \
	    $(or $(PYTHON),python3) grade/lab/doctor.py

# What a grading boots. lab-images: all, for programs that servers start; the disk is made for each run, with
# the tests it needs. lab-first: the kernel and the programs first_*, which run alone. *-objects: what of it
# does not change with a submission, so that each links what is left.
FIRST_TESTS := $(filter first_%,$(LAB_TESTS))
lab-first: $(BUILD)/kernel.img $(FIRST_TESTS:%=$(BUILD)/stripped/tests/%)
lab-images: lab-first $(BUILD)/boot.tar $(MKFS) $(BINS:%=$(BUILD)/stripped/bin/%) \
    $(LAB_TESTS:%=$(BUILD)/stripped/tests/%)
lab-first-objects: $(KERNEL_OBJS) $(LIBC) $(LIBSERVER) \
    $(foreach test,$(FIRST_TESTS),$(call program_objects,tests/$(test)))
lab-images-objects: lab-first-objects $(MKFS) $(foreach program,$(SERVERS:%=servers/%) $(BINS:%=bin/%) \
    $(LAB_TESTS:%=tests/%),$(call program_objects,$(program)))

# Record and replay: the same run again, instruction for instruction, and in GDB also backwards. The
# root file system is in memory then, so that no disk answers at moments of its own.
$(BUILD)/boot-ram.tar: $(BUILD)/boot.tar $(MKFS) $(DISK_PROGRAMS) $(ROOT_FILES) $(DEVICES) $(BUILD)/fs.img
	$(call say,TAR,$@)
	$(Q)$(MKFS) $(BUILD)/boot/disk.img -s 40M -d $(BUILD)/root $(DEVICES:%=-D @%)
	$(Q)$(TAR) $(TAR_FLAGS) -C $(BUILD)/boot -cf $@ $(BOOT_NAMES) disk.img; rm $(BUILD)/boot/disk.img

RR_FLAGS = -M virt,gic-version=2 -cpu cortex-a72 -smp 1 -m 256M -nographic -nic none \
    -global virtio-mmio.force-legacy=false -kernel $(BUILD)/kernel.img -initrd $(BUILD)/boot-ram.tar \
    -append "$(BOOTARGS)" -drive file=$(BUILD)/rr.qcow2,if=none,id=rr
RR = -icount shift=0,rr=$(1),rrfile=$(BUILD)/rr.log,rrsnapshot=init

qemu-record: $(BUILD)/kernel.img $(BUILD)/boot-ram.tar ## boot, and record the run for qemu-replay
	$(Q)$(or $(PYTHON),python3) grade/lab/qcow2.py $(BUILD)/rr.qcow2
	$(Q)exec $(QEMU) $(RR_FLAGS) $(call RR,record)

qemu-replay:                    ## the recorded run again, for "make gdb": also reverse-continue
	$(Q)test -f $(BUILD)/rr.log || { echo "record a run first: make qemu-record" >&2; exit 1; }
	$(Q)port=$(or $(GDBPORT),$$((25000 + $$(id -u) % 5000))); \
	while (exec 3<>/dev/tcp/127.0.0.1/$$port) 2>/dev/null; do port=$$((port + 1)); done; \
	sed -e "s|@PORT@|$$port|g" -e "s|@BUILD@|$(BUILD)|g" .gdbinit.tmpl > .gdbinit; \
	echo "waiting for GDB on port $$port: run 'make gdb' in another terminal"; \
	exec $(QEMU) $(RR_FLAGS) $(call RR,replay) -S -gdb tcp:127.0.0.1:$$port

help:                           ## this list
	@printf '  %-12s %s\n' setup "install what is missing with the system's package manager"
	@awk -F '## ' '/^[a-z][a-z.-]*:.*## / { sub(/:.*/, "", $$1); printf "  %-12s %s\n", $$1, $$2 }' Makefile
	@echo "Variables: CPUS=$(CPUS) MEM=$(MEM) BOOTARGS= TEST= BENCH= DEBUG=1 UBSAN=1 WERROR=0 V=1" \
	    "TOOLPREFIX= BUILD="

# For the tests: the value of a variable, "make print-GDB".
print-%: ; @echo $($*)

-include $(shell find $(BUILD) -path $(BUILD)/lab -prune -o -name '*.d' -print 2>/dev/null)
endif
