//! What a simulated host measures: random walks as real hosts show them, the same for the same seed.

use edgewatch_core::dialects::native::{HostFacts, Sample, Temperature};
use edgewatch_core::metrics::Metric;

/// Whole numbers without a pattern: xorshift64*.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same numbers for the same seed.
    pub const fn new(seed: u64) -> Self {
        // A state of 0 would stay there.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`; 0 when there is none.
    pub const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { (self.next() >> 16) % end }
    }

    /// From 0 to 1.
    fn part(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
    }

    /// From -1 to 1.
    fn step(&mut self) -> f64 {
        self.part().mul_add(2.0, -1.0)
    }
}

const MIB: f64 = 1_048_576.0;

/// A host's state between two samples.
#[derive(Debug, Clone)]
pub struct Walk {
    random: Random,
    cpu: f64,
    mem: f64,
    disk: f64,
    net_in: f64,
    net_out: f64,
    load: [f64; 3],
    tcp: f64,
    processes: f64,
    celsius: f64,
    has_gpu: bool,
}

impl Walk {
    /// The walk of the host with that seed. One host of ten has a GPU and swap in use.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mem = random.part().mul_add(6_000.0, 800.0) * MIB;
        Self {
            cpu: random.part() * 20.0,
            mem,
            disk: random.part().mul_add(80_000.0, 4_000.0) * MIB,
            net_in: random.part() * 1e10,
            net_out: random.part() * 1e10,
            load: [random.part(); 3],
            tcp: (random.part() * 200.0).round(),
            processes: random.part().mul_add(300.0, 80.0).round(),
            celsius: random.part().mul_add(20.0, 35.0),
            has_gpu: seed.is_multiple_of(10),
            random,
        }
    }

    /// The next sample, `period_s` after the one before. `uptime_s` is `mark`, so that it can be told from all others of this
    /// host wherever it turns up.
    pub fn sample(&mut self, number: u64, at_ms: i64, period_s: f64, mark: f64) -> Sample {
        let busy = self.random.part() < 0.02;
        self.cpu = (self.cpu + self.random.step() * if busy { 40.0 } else { 1.5 }).clamp(0.3, 100.0);
        self.mem = (self.mem + (self.random.step() * 64.0).round() * 4096.0 * 8.0).max(64.0 * MIB);
        if self.random.part() < 0.2 {
            self.disk += (self.random.part() * 40.0).round() * 4096.0;
        }
        let (net_in, net_out) = (
            (self.random.part() * self.cpu * 900.0 * period_s).round(),
            (self.random.part() * self.cpu * 500.0 * period_s).round(),
        );
        self.net_in += net_in;
        self.net_out += net_out;
        let target = self.cpu / 25.0;
        for (load, weight) in self.load.iter_mut().zip([0.15, 0.03, 0.01]) {
            *load = (*load + (target - *load) * weight).max(0.0);
        }
        if self.random.part() < 0.3 {
            self.tcp = (self.tcp + (self.random.step() * 3.0).round()).max(5.0);
            self.processes = (self.processes + self.random.step().round()).max(20.0);
        }
        self.celsius = (self.celsius + self.random.step() * 0.4).clamp(25.0, 95.0);
        let mut sample = Sample { number, at_ms, ..Sample::default() };
        let hundredths = |value: f64| (value * 100.0).round() / 100.0;
        let [one, five, fifteen] = self.load;
        for (metric, value) in [
            (Metric::CpuPercent, hundredths(self.cpu)),
            (Metric::MemUsed, self.mem.round()),
            (Metric::SwapUsed, if self.has_gpu { 3.0 * MIB } else { 0.0 }),
            (Metric::DiskUsed, self.disk.round()),
            (Metric::NetIn, self.net_in),
            (Metric::NetOut, self.net_out),
            (Metric::NetInSpeed, (net_in / period_s).round()),
            (Metric::NetOutSpeed, (net_out / period_s).round()),
            (Metric::Uptime, mark),
            (Metric::Load1, hundredths(one)),
            (Metric::Load5, hundredths(five)),
            (Metric::Load15, hundredths(fifteen)),
            (Metric::TcpConnections, self.tcp),
            (Metric::UdpConnections, 6.0),
            (Metric::Processes, self.processes),
        ] {
            *sample.value_mut(metric) = Some(value);
        }
        if self.has_gpu {
            *sample.value_mut(Metric::GpuPercent) = Some(hundredths(self.cpu / 2.0));
            sample.temperatures =
                vec![Temperature { name: "gpu".to_owned(), celsius: (self.celsius * 10.0).round() / 10.0 }];
        }
        sample
    }

    /// What the host is.
    pub fn facts(&self) -> HostFacts {
        HostFacts {
            platform: Some("debian".to_owned()),
            platform_version: Some("12.5".to_owned()),
            kernel: Some("6.1.0-18-amd64".to_owned()),
            arch: Some("x86_64".to_owned()),
            virtualization: Some("kvm".to_owned()),
            cpu: vec!["AMD EPYC 7763 64-Core Processor 2 Virtual Core".to_owned()],
            mem_total_bytes: Some(8192.0 * MIB),
            swap_total_bytes: Some(1024.0 * MIB),
            disk_total_bytes: Some(120_000.0 * MIB),
            booted_at_s: Some(1_700_000_000.0),
            ..HostFacts::default()
        }
    }
}
