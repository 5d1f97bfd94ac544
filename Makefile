# heartbeat: build, try, test, install. `make help` lists the targets.
DESTDIR =
PREFIX = /usr
SYSCONFDIR = /etc
SWIFT = swift
# Every import must be declared; the runtime is linked in, so that an installed daemon needs no Swift.
BUILDFLAGS = -c release --static-swift-stdlib --explicit-target-dependency-import-check error
TESTFLAGS = -c release -Xswiftc -enable-testing
TESTPATH = .build/tests
# Each run of the compiler leaves folders behind where temporary files go: below .build they are in nobody's way, and
# the next run removes those that are old.
LEFT = .build/tmp
COMPILE = mkdir -p $(LEFT) && find $(LEFT) -mindepth 1 -maxdepth 1 -name 'TemporaryDirectory.*' -mmin +60 \
	-exec rm -rf {} + && TMPDIR=$(CURDIR)/$(LEFT) $(SWIFT) build

# What a build needs, then what the demo and the tests need.
PACKAGES = libsystemd-dev libmount-dev libjansson-dev libnftnl-dev libmnl-dev \
	libexpat1-dev libcurl4-openssl-dev libc-ares-dev libssl-dev libgcrypt20-dev libcrypt-dev libpam0g-dev \
	zlib1g-dev libbz2-dev pkg-config \
	iproute2 util-linux iputils-ping nftables e2fsprogs dbus systemd groff-base python3 openssl

# What the tests with heartbeat 3.0.6 need: unpacked below .build, never installed. Where it cannot be had, those tests
# are skipped, and say so.
PEER = .build/debian-heartbeat
PEER_PACKAGES = heartbeat libheartbeat2 cluster-glue resource-agents liblrm2 libpils2 libplumb2 libplumbgpl2 libstonith1 \
	libglib2.0-0 libnet1 libltdl7 gawk libsigsegv2

# Servers for the tests with real agents: unpacked below .build, never installed, with the libraries that a small system
# lacks. Where they cannot be had, those tests are skipped, and say so.
SERVERS = .build/servers
SERVER_PACKAGES = nginx nginx-common apache2-bin libapr1 libaprutil1 libaprutil1-ldap liblua5.3-0 libpcre2-8-0 libcurl4 \
	libjansson4 libnghttp2-14 libbrotli1 libxml2 libldap-2.5-0 libxslt1.1 libicu72 libpq5 postgresql-15 \
	postgresql-client-15 curl psmisc
# The clients, monitors and alerts of mon 1.3.6 that the service monitor is tested with: in the same way.
MON = .build/debian-mon
MON_PACKAGES = mon mon-client libtime-period-perl libcgi-pm-perl libhtml-parser-perl libhtml-tagset-perl liburi-perl
# What the benchmarks measure beside this project, unpacked as well; apt names what of it this machine lacks.
PEERS = .build/debian-peers

# What the tests with kernels of their own need: unpacked below .build, never installed, but for the emulator.
MACHINE = .build/machine
EMULATOR = qemu-system-x86
DISK_PACKAGES = mdadm lvm2 libdevmapper1.02.1 libdevmapper-event1.02.1 libaio1 libedit2 libbsd0 libtinfo6 drbd-utils \
	resource-agents ipvsadm libnl-3-200 libnl-genl-3-200 libpopt0

all: deps build

build:
	$(COMPILE) $(BUILDFLAGS)

# Installs what is missing, and says nothing where nothing is.
deps:
	@missing=; for p in $(PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" != 0 ]; then echo "missing packages, install them as root: apt-get install$$missing" >&2; exit 1; fi; \
	echo "installing$$missing"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $$missing >/dev/null

# Fetches packages and unpacks them: $(call unpack,folder,a file of it,packages,what is skipped without them)
unpack = [ -e $(1)/root/$(2) ] && exit 0; rm -rf $(1); \
	( mkdir -p $(1)/packages && cd $(1)/packages && { apt-get -qq download $(3) 2>/dev/null || \
		{ apt-get -qq update && apt-get -qq download $(3); }; } && \
	for p in *.deb; do dpkg-deb -x $$p ../unpacked || exit 1; done && rm -f *.deb && mv ../unpacked ../root ) 2>&1 || \
		echo '$(4) of Debian cannot be fetched here: the tests with it are skipped'

peer: peer-heartbeat peer-mon

peer-heartbeat:
	@$(call unpack,$(PEER),usr/libexec/heartbeat/heartbeat,$(PEER_PACKAGES),heartbeat 3.0.6)

peer-mon:
	@$(call unpack,$(MON),usr/bin/moncmd,$(MON_PACKAGES),mon 1.3.6)

servers:
	@$(call unpack,$(SERVERS),usr/sbin/nginx,$(SERVER_PACKAGES),nginx with Apache and PostgreSQL)

# Packages of one distribution lie in /lib or in /usr/lib, which is the same folder on the installed system.
peers: peer
	@[ -e $(PEERS)/root ] && exit 0; rm -rf $(PEERS); mkdir -p $(PEERS)/packages/partial; cd $(PEERS); \
	fetch() { apt-get -qq -y install --download-only --no-install-recommends -o Debug::NoLocking=1 \
		-o Dir::Cache::archives="$$PWD/packages" $$1 >/dev/null 2>&1; }; \
	for p in keepalived 'corosync pacemaker pacemaker-cli-utils'; do \
		fetch "$$p" || { apt-get -qq update && fetch "$$p"; } || echo "$$p of Debian cannot be fetched here: measured without"; done; \
	[ -n "$$(ls packages/*.deb 2>/dev/null)" ] || exit 0; \
	mkdir -p unpacked/usr/lib unpacked/usr/sbin unpacked/usr/bin unpacked/etc unpacked/var; \
	for p in packages/*.deb; do dpkg-deb -x "$$p" unpacked || exit 1; done; \
	for d in lib bin sbin; do [ ! -d unpacked/$$d ] || cp -a unpacked/$$d/. unpacked/usr/$$d/; done; mv unpacked root

# busybox makes the list of the modules, which an installed kernel would get by its installation.
machine:
	@if [ ! -x /usr/bin/qemu-system-x86_64 ] && [ "$$(id -u)" = 0 ]; then echo 'installing $(EMULATOR)'; \
		{ apt-get install -y -qq --no-install-recommends $(EMULATOR) || { apt-get -qq update && \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(EMULATOR); }; } \
			>/dev/null 2>&1 || echo '$(EMULATOR) cannot be installed here'; fi; \
	[ -e $(MACHINE)/root/boot ] && exit 0; rm -rf $(MACHINE); \
	( mkdir -p $(MACHINE)/packages && cd $(MACHINE)/packages && fetch() { \
		kernel=$$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1); \
		[ -n "$$kernel" ] && apt-get -qq download busybox-static "$$kernel" 2>/dev/null; } && \
	{ fetch || { apt-get -qq update && fetch; }; } && \
	for p in *.deb; do dpkg-deb -x $$p ../unpacked || exit 1; done && \
	for k in ../unpacked/lib/modules/*; do ../unpacked/bin/busybox depmod -b ../unpacked $${k##*/} || exit 1; done && \
	rm -f *.deb && mv ../unpacked ../root ) || \
		echo 'the kernel of Debian for amd64 cannot be fetched here: the tests on it are skipped'
	@[ -e $(MACHINE)/disks/sbin/ipvsadm ] && exit 0; \
	( mkdir -p $(MACHINE)/disk-packages && cd $(MACHINE)/disk-packages && { apt-get -qq download $(DISK_PACKAGES) \
		2>/dev/null || { apt-get -qq update && apt-get -qq download $(DISK_PACKAGES); }; } && \
	for p in *.deb; do dpkg-deb -x $$p ../disks || exit 1; done && rm -f *.deb ) || \
		echo 'LVM, mdadm and DRBD of Debian cannot be fetched here: the tests with them are skipped'

# Two real nodes in network namespaces, a power cut, and what it cost. KEEP=1 leaves them to play with.
demo: deps build
	.build/release/hb_demo $(if $(KEEP),--keep)

TEST = SWIFT_BACKTRACE=enable=no $(SWIFT) test $(TESTFLAGS) --scratch-path $(TESTPATH) --skip-build
# What runs real processes runs by itself: it measures time, and the simulations take all of it.
SYSTEM = IntegrationTests|MonitorServiceTests|ResourceAgentsTests|NotificationsTests|AgentsTests|MediaTests|ProbesTests|$\
	PeerTests|SystemdTests|MachineTests

check: deps peer servers
	$(COMPILE) $(TESTFLAGS) --scratch-path $(TESTPATH) --build-tests
	$(TEST) --skip '$(SYSTEM)'
	SWIFT_BACKTRACE=enable=no $(TESTPATH)/release/hb_fuzz --executions 500000 --seed 1
	$(TEST) --no-parallel --filter 'ResourceAgentsTests|NotificationsTests|AgentsTests|MediaTests|ProbesTests'
	$(TEST) --filter MonitorServiceTests
	$(TEST) --filter IntegrationTests
	$(TEST) --filter PeerTests
	$(TESTPATH)/release/hb_torture --iterations 20 --seed 1

# The installed unit under systemd, in machines of its own; says so where that cannot run.
check-systemd: deps
	$(COMPILE) $(TESTFLAGS) --scratch-path $(TESTPATH) --build-tests
	$(TEST) --filter SystemdTests

# The daemon on kernels of its own, in emulated machines; says so where that cannot run.
check-machines: deps machine
	$(COMPILE) $(TESTFLAGS) --scratch-path $(TESTPATH) --build-tests
	$(TEST) --filter MachineTests

# The same with many more seeds; SEEDS=N says how many, FROM=N where to begin.
SEEDS = 100000
FROM = 1
check-long: check seeds

seeds:
	$(COMPILE) $(BUILDFLAGS) --product hb_seeds
	.build/release/hb_seeds $(FROM) $(SEEDS)
	.build/release/hb_seeds $(FROM) $$(($(SEEDS) / 10 + 1)) fences
	.build/release/hb_seeds $(FROM) $$(($(SEEDS) / 100 + 1)) wide
	.build/release/hb_seeds $(FROM) $$(($(SEEDS) / 20 + 1)) strained
	.build/release/hb_seeds $(FROM) $$(($(SEEDS) / 20 + 1)) uneven

# Breaks the core in many ways and expects the checkers to catch each; about half a minute for each on two cores.
mutants:
	Tests/Mutants/run

# Damaged messages to everything that reads messages. EXECUTIONS=N, SEED=S; a failure names what to give to --from.
EXECUTIONS = 10000000
SEED = 1
fuzz: deps build
	SWIFT_BACKTRACE=enable=no .build/release/hb_fuzz --executions $(EXECUTIONS) --seed $(SEED)

# Random faults on real daemons, audited after each iteration. ITERATIONS=N, SEED=S; what failed is kept in /tmp.
ITERATIONS = 500
torture: deps build
	.build/release/hb_torture --iterations $(ITERATIONS) $(if $(filter file,$(origin SEED)),,--seed $(SEED))

# This project beside the other systems: RUNS=N runs of each figure, FIGURES='crash move' for some of them only.
RUNS = 20
bench: deps build peers
	.build/release/hb_bench --runs $(RUNS) $(FIGURES)

# The names of ClassicScripts.swift: what is native, what runs an OCF agent.
SCRIPTS = IPaddr IPaddr2 IPv6addr Filesystem AudibleAlarm Delay IPsrcaddr LVM LVSSyncDaemonSwap MailTo Raid1 SendArp \
	VirtualMAC drbddisk drbdupper portblock ICP LinuxSCSI ServeRAID WAS WinPopup Xinetd apache db2 ids OCF ocf
OLD_COMMANDS = ResourceManager req_resource mach_down hb_standby hb_takeover hb_hooks

install: build
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/doc/heartbeat \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/lib/systemd/system \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d $(DESTDIR)$(SYSCONFDIR)/ha.d/resource.d
	install -s -m 755 .build/release/heartbeat $(DESTDIR)$(PREFIX)/sbin/heartbeat
	install -s -m 755 .build/release/hb $(DESTDIR)$(PREFIX)/bin/hb
	install -s -m 755 .build/release/mon $(DESTDIR)$(PREFIX)/sbin/mon
	for t in hb_standby hb_takeover cl_status moncmd; do ln -sf hb $(DESTDIR)$(PREFIX)/bin/$$t; done
	for t in send_arp fake; do ln -sf ../bin/hb $(DESTDIR)$(PREFIX)/sbin/$$t; done
	# The resource scripts of heartbeat 3.0.6 where haresources finds them, and the commands where it had them.
	install -d $(DESTDIR)$(PREFIX)/libexec/heartbeat/resource.d $(DESTDIR)$(PREFIX)/share/heartbeat
	install -s -m 755 .build/release/hb_webhook $(DESTDIR)$(PREFIX)/libexec/heartbeat/hb_webhook
	for t in $(SCRIPTS); do ln -sf ../../../bin/hb $(DESTDIR)$(PREFIX)/libexec/heartbeat/resource.d/$$t; done
	for t in $(OLD_COMMANDS); do ln -sf ../../bin/hb $(DESTDIR)$(PREFIX)/share/heartbeat/$$t; done
	for n in 1 5 8; do install -m 644 Resources/man/*.$$n $(DESTDIR)$(PREFIX)/share/man/man$$n/; done
	install -m 644 README.md Resources/doc/* $(DESTDIR)$(PREFIX)/share/doc/heartbeat/
	install -m 644 Resources/completion/hb $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hb
	for t in hb_standby hb_takeover cl_status moncmd; do ln -sf hb $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$t; done
	for u in heartbeat mon; do sed 's|/usr/sbin|$(PREFIX)/sbin|' Resources/systemd/$$u.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/$$u.service; done
	install -m 644 Resources/sysusers.d/heartbeat.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/heartbeat.conf
	install -m 644 Resources/tmpfiles.d/heartbeat.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/heartbeat.conf
	# The administrator's files are never overwritten.
	for f in ha.cf haresources mon.cf auth.cf; do [ -e $(DESTDIR)$(SYSCONFDIR)/ha.d/$$f ] || \
		install -m 644 etc/ha.d/$$f $(DESTDIR)$(SYSCONFDIR)/ha.d/$$f; done
	[ -e $(DESTDIR)$(SYSCONFDIR)/ha.d/shellfuncs ] || \
		install -m 644 Resources/ha.d/shellfuncs $(DESTDIR)$(SYSCONFDIR)/ha.d/shellfuncs
	[ -L $(DESTDIR)$(SYSCONFDIR)/ha.d/harc ] || [ -e $(DESTDIR)$(SYSCONFDIR)/ha.d/harc ] || \
		ln -s $(PREFIX)/bin/hb $(DESTDIR)$(SYSCONFDIR)/ha.d/harc
	[ -e $(DESTDIR)$(SYSCONFDIR)/ha.d/authkeys ] || \
		install -m 600 etc/ha.d/authkeys $(DESTDIR)$(SYSCONFDIR)/ha.d/authkeys
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then \
		if command -v systemd-sysusers >/dev/null; then systemd-sysusers heartbeat.conf; else \
			getent group haclient >/dev/null || groupadd -r haclient; \
			getent passwd hacluster >/dev/null || useradd -r -g haclient -d /var/lib/heartbeat -s /usr/sbin/nologin hacluster; fi; \
		mkdir -p /var/lib/heartbeat; [ -d /run/systemd/system ] && systemctl daemon-reload || :; fi

# Leaves /etc/ha.d and /var/lib/heartbeat alone.
uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/libexec/heartbeat/resource.d $(DESTDIR)$(PREFIX)/libexec/heartbeat/hb_webhook
	for t in $(OLD_COMMANDS); do rm -f $(DESTDIR)$(PREFIX)/share/heartbeat/$$t; done
	rm -f $(DESTDIR)$(PREFIX)/sbin/heartbeat $(DESTDIR)$(PREFIX)/sbin/mon $(DESTDIR)$(PREFIX)/sbin/send_arp $(DESTDIR)$(PREFIX)/sbin/fake \
		$(DESTDIR)$(PREFIX)/bin/hb \
		$(DESTDIR)$(PREFIX)/bin/hb_standby $(DESTDIR)$(PREFIX)/bin/hb_takeover $(DESTDIR)$(PREFIX)/bin/cl_status \
		$(DESTDIR)$(PREFIX)/bin/moncmd $(DESTDIR)$(PREFIX)/share/bash-completion/completions/moncmd \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/hb \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/hb_standby \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/hb_takeover \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/cl_status \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/heartbeat.service $(DESTDIR)$(PREFIX)/lib/systemd/system/mon.service \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/heartbeat.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/heartbeat.conf
	for f in Resources/man/*; do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${f##*.}/$${f##*/}; done
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/heartbeat

clean:
	rm -rf .build

help:
	@echo 'make                      install what the build needs, and build'
	@echo 'make demo [KEEP=1]        watch a cluster fail over; KEEP=1 leaves it up with a shell'
	@echo 'make check                all tests'
	@echo 'make peer                 fetch heartbeat 3.0.6 and mon 1.3.6 for the tests with them'
	@echo 'make servers              fetch nginx, Apache and PostgreSQL for the tests with real agents and monitors'
	@echo 'make check-systemd        the installed unit under systemd'
	@echo 'make machine              fetch an emulator and a kernel for the tests on kernels of their own'
	@echo 'make check-machines       watchdog, power cut, pause, bond, VLAN, disks of all kinds on kernels of their own'
	@echo 'make check-long [SEEDS=N] all tests, and N seeds of random faults'
	@echo 'make seeds [FROM=N SEEDS=N] the random faults alone'
	@echo 'make mutants              break the core on purpose: the checkers must catch each way (10 minutes)'
	@echo 'make fuzz [EXECUTIONS=N SEED=S] feed damaged messages to all that reads messages'
	@echo 'make torture [ITERATIONS=N SEED=S] random faults on real daemons'
	@echo 'make peers                fetch keepalived, corosync and pacemaker for the benchmarks'
	@echo 'make bench [RUNS=N FIGURES=...] measure this and other failover systems beside each other'
	@echo 'make install [DESTDIR= PREFIX=/usr SYSCONFDIR=/etc]'
	@echo 'make uninstall, make clean'

.PHONY: all build deps peer peer-heartbeat peer-mon peers servers machine demo check check-systemd check-machines check-long \
	seeds mutants fuzz torture bench \
	install uninstall clean help
