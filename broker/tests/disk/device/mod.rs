//! A disk that fails on demand: a file of a file system of our own, a loop device on it, ext4 on that. It stands where
//! dm-flakey and dm-log-writes would, on hosts that have neither. Needs root, /dev/fuse and a loop device.

use std::ops::Range;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

pub mod fuse;
pub mod image;

use image::{Image, Loss, Random};

/// Threads that serve the kernel, so that a slow request does not hold up all others.
const SERVERS: usize = 4;
/// How long an unmount may take: what a killed broker had in flight ends after it.
const UNMOUNT_PATIENCE: Duration = Duration::from_secs(30);

/// How long somebody who writes goes without a write.
const WRITES_PATIENCE: Duration = Duration::from_secs(1);

/// What the disk does wrong from now on.
#[derive(Debug, Default, Clone)]
pub struct Faults {
    /// Nothing works.
    pub power_off: bool,
    /// After so many writes more, the power goes.
    pub power_off_after: Option<u64>,
    /// So many writes fail with EIO.
    pub failing_writes: u32,
    /// So many flushes fail with EIO; what they should have made durable stays as volatile as it was.
    pub failing_flushes: u32,
    /// Flushes say yes and do nothing.
    pub lying: bool,
    /// Every request takes this long.
    pub delay: Duration,
    /// No request is answered.
    pub hung: bool,
    /// Reads of any of these bytes fail with EIO.
    pub unreadable: Vec<Range<u64>>,
}

/// The disk behind the one file.
pub struct Disk {
    image: Mutex<Image>,
    faults: Mutex<Faults>,
    released: Condvar,
    bytes: u64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn take_one(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

impl Disk {
    fn new(bytes: usize) -> Self {
        Self {
            image: Mutex::new(Image::new(bytes)),
            faults: Mutex::default(),
            released: Condvar::new(),
            bytes: bytes as u64,
        }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes what is wrong with it; requests that hang go on if it hangs no more.
    pub fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut locked(&self.faults));
        self.released.notify_all();
    }

    /// What holds for the request that begins now.
    fn meet(&self) -> Result<MutexGuard<'_, Faults>, i32> {
        let delay = locked(&self.faults).delay;
        std::thread::sleep(delay);
        let mut faults = locked(&self.faults);
        while faults.hung && !faults.power_off {
            faults = self
                .released
                .wait(faults)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        match faults.power_off {
            true => Err(libc::EIO),
            false => Ok(faults),
        }
    }

    fn read(&self, position: u64, bytes: usize) -> Result<Vec<u8>, i32> {
        let asked = position..position + bytes as u64;
        let meets = |bad: &Range<u64>| bad.start < asked.end && asked.start < bad.end;
        if self.meet()?.unreadable.iter().any(meets) {
            return Err(libc::EIO);
        }
        let position = usize::try_from(position).map_err(|_| libc::EINVAL)?;
        Ok(locked(&self.image).read(position, bytes).to_vec())
    }

    fn write(&self, position: u64, bytes: &[u8]) -> Result<(), i32> {
        let mut faults = self.meet()?;
        if take_one(&mut faults.failing_writes) {
            return Err(libc::EIO);
        }
        match &mut faults.power_off_after {
            Some(0) => faults.power_off = true,
            Some(left) => *left -= 1,
            None => {}
        }
        // The faults stay locked: after the power is off, nothing is taken any more.
        let position = usize::try_from(position).map_err(|_| libc::EINVAL)?;
        match locked(&self.image).write(position, bytes) {
            true => Ok(()),
            false => Err(libc::ENOSPC),
        }
    }

    fn flush(&self) -> Result<(), i32> {
        let mut faults = self.meet()?;
        if take_one(&mut faults.failing_flushes) {
            return Err(libc::EIO);
        }
        if !faults.lying {
            locked(&self.image).flush();
        }
        Ok(())
    }
}

/// An ext4 file system on such a disk. Dropped, nothing of it stays mounted; killed, it does unless the mounts are the
/// process's own ([`own_mounts`]).
pub struct Machine {
    place: tempfile::TempDir,
    disk: Arc<Disk>,
    loop_device: Option<String>,
}

/// Runs a command of the system; what it printed, or what it complained about.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output();
    match output {
        Err(error) => Err(format!("{program}: {error}")),
        Ok(output) if !output.status.success() => Err(format!(
            "{program} {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
    }
}

/// Runs it until it works.
fn insist(program: &str, arguments: &[&str]) -> Result<String, String> {
    let deadline = Instant::now() + UNMOUNT_PATIENCE;
    loop {
        let done = run(program, arguments);
        if done.is_ok() || Instant::now() > deadline {
            return done;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Gives the calling thread, and what it starts, mounts of its own: they go when the last of them has ended.
pub fn own_mounts() -> Result<(), String> {
    // SAFETY: it takes no pointer.
    #[allow(unsafe_code)]
    let unshared = unsafe { libc::unshare(libc::CLONE_NEWNS) };
    if unshared != 0 {
        let error = std::io::Error::last_os_error();
        return Err(format!("mounts of its own: {error}"));
    }
    run("mount", &["--make-rprivate", "/"]).map(drop)
}

impl Machine {
    /// A disk of `bytes` with an empty file system. The error says what this host lacks.
    pub fn new(bytes: usize) -> Result<Self, String> {
        let place = tempfile::tempdir().map_err(|error| error.to_string())?;
        for name in ["device", "mounted"] {
            std::fs::create_dir(place.path().join(name)).map_err(|error| error.to_string())?;
        }
        let disk = Arc::new(Disk::new(bytes));
        let kernel = fuse::mount(&place.path().join("device"));
        let kernel = Arc::new(kernel.map_err(|error| format!("/dev/fuse: {error}"))?);
        for _ in 0..SERVERS {
            let (kernel, disk) = (kernel.clone(), disk.clone());
            std::thread::spawn(move || fuse::serve(&kernel, &disk));
        }
        let mut machine = Self {
            place,
            disk,
            loop_device: None,
        };
        let device = machine.attach()?;
        let options = "lazy_itable_init=0,lazy_journal_init=0,nodiscard";
        run("mkfs.ext4", &["-q", "-F", "-E", options, &device])?;
        machine.mount()?;
        Ok(machine)
    }

    /// Where the bytes of a file on it lie on the disk.
    pub fn extents_of(file: &Path) -> std::io::Result<Vec<Range<u64>>> {
        const EXTENTS_MAX: usize = 64;
        /// `FS_IOC_FIEMAP`.
        const REQUEST: libc::c_ulong = 0xc020_660b;
        /// Syncs first.
        const FLAG_SYNC: u64 = 1;
        // Start, length, flags and count of mapped ones, count of places; then 56 bytes an extent.
        let mut map = vec![0u64; 4 + 7 * EXTENTS_MAX];
        map[1] = u64::MAX;
        map[2] = FLAG_SYNC;
        map[3] = EXTENTS_MAX as u64;
        let file = std::fs::File::open(file)?;
        // SAFETY: the descriptor is open, and the map as large as it says.
        #[allow(unsafe_code)]
        let mapped = unsafe { libc::ioctl(file.as_raw_fd(), REQUEST, map.as_mut_ptr()) };
        if mapped != 0 {
            return Err(std::io::Error::last_os_error());
        }
        let found = (map[2] >> 32) as usize;
        let extents = map[4..].chunks_exact(7).take(found);
        Ok(extents
            .map(|extent| extent[1]..extent[1] + extent[2])
            .collect())
    }

    /// Its disk, to set faults.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Where its file system is mounted.
    pub fn root(&self) -> PathBuf {
        self.place.path().join("mounted")
    }

    fn attach(&mut self) -> Result<String, String> {
        let file = self.place.path().join("device").join(fuse::FILE_NAME);
        let device = run("losetup", &["--find", "--show", &file.to_string_lossy()])?;
        self.loop_device = Some(device.clone());
        Ok(device)
    }

    fn mount(&mut self) -> Result<(), String> {
        let device = self.loop_device.clone().ok_or("no loop device")?;
        let root = self.root();
        run("mount", &["-t", "ext4", &device, &root.to_string_lossy()]).map(drop)
    }

    /// From now on nothing reaches the disk. Whoever uses it is then to be killed, before [`Machine::power_on`].
    pub fn power_off(&self) {
        self.disk.set(|faults| faults.power_off = true);
    }

    /// The same in the middle of what is being written, after `writes` more.
    pub fn power_off_after(&self, writes: u64) {
        self.disk
            .set(|faults| faults.power_off_after = Some(writes));
    }

    /// Waits until it has gone; if nobody writes, it goes after a while all the same.
    pub fn wait_for_power_off(&self) {
        let deadline = Instant::now() + WRITES_PATIENCE;
        while !locked(&self.disk.faults).power_off && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.power_off();
    }

    /// Unmounts, decides what the disk has kept, and mounts again what is left, healed of all faults.
    pub fn power_on(&mut self, random: &mut Random) -> Result<Loss, String> {
        self.power_off();
        self.unmount()?;
        let loss = locked(&self.disk.image).lose_power(random);
        self.disk.set(|faults| *faults = Faults::default());
        self.attach()?;
        self.mount()?;
        Ok(loss)
    }

    /// Unmounts and mounts again, as a clean restart of the host does; the kernel forgets what it cached.
    pub fn remount(&mut self) -> Result<(), String> {
        insist("umount", &[&self.root().to_string_lossy()])?;
        self.mount()
    }

    fn unmount(&mut self) -> Result<(), String> {
        insist("umount", &[&self.root().to_string_lossy()])?;
        let Some(device) = self.loop_device.take() else {
            return Ok(());
        };
        insist("losetup", &["--detach", &device])?;
        // A device that is still looked at goes a moment later.
        let backing = format!("/sys/block/{}/loop/backing_file", &device["/dev/".len()..]);
        let deadline = Instant::now() + UNMOUNT_PATIENCE;
        while Path::new(&backing).exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.disk.set(|faults| *faults = Faults::default());
        let _ = self.unmount();
        let device = self.place.path().join("device");
        let _ = insist("umount", &[&device.to_string_lossy()]);
    }
}
