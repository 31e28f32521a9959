//! What the OpenBLAS at hand says of itself.

use consonance_host::simd::Level;
use std::ffi::{CStr, c_char, c_int};
use std::fmt;

// Declared here because `cblas-sys` covers the standard interface only. Documented in OpenBLAS's
// cblas.h and its user manual, "Extensions".
unsafe extern "C" {
    fn openblas_get_config() -> *const c_char;
    fn openblas_get_corename() -> *const c_char;
    fn openblas_get_parallel() -> c_int;
    fn openblas_get_num_threads() -> c_int;
    fn openblas_set_num_threads(threads: c_int);
}

/// How an OpenBLAS was built to use threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threading {
    /// Without threads.
    Sequential,
    /// With threads of its own.
    Pthreads,
    /// With OpenMP, whose number of threads belongs to the calling thread: what the library is told
    /// on one thread does not hold on the engine's others.
    OpenMp,
    /// A number the interface does not define.
    Unknown(i32),
}

impl fmt::Display for Threading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threading::Sequential => f.write_str("sequential"),
            Threading::Pthreads => f.write_str("pthreads, set to 1"),
            Threading::OpenMp => f.write_str("OpenMP"),
            Threading::Unknown(model) => write!(f, "unknown model {model}"),
        }
    }
}

/// The OpenBLAS this program is linked with.
#[derive(Debug, Clone)]
pub struct Library {
    /// Its configuration string: version and build options.
    pub configuration: String,
    /// The processor core whose kernels it chose.
    pub core: String,
    /// How it was built to use threads.
    pub threading: Threading,
    /// Threads it uses for a product after it was told to use 1.
    pub threads: i32,
}

impl Library {
    /// Tells the library to use one thread and asks it about itself.
    pub fn probe() -> Library {
        // SAFETY: the functions take no arguments but a number, may be called at any time, and
        // return static strings.
        unsafe {
            openblas_set_num_threads(1);
            Library {
                configuration: text(openblas_get_config()),
                core: text(openblas_get_corename()),
                threading: match openblas_get_parallel() {
                    0 => Threading::Sequential,
                    1 => Threading::Pthreads,
                    2 => Threading::OpenMp,
                    other => Threading::Unknown(other),
                },
                threads: openblas_get_num_threads(),
            }
        }
    }

    /// The version in the configuration string, or all of it if none is found.
    pub fn version(&self) -> &str {
        let mut words = self.configuration.split_whitespace();
        words
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(&self.configuration)
    }

    /// What to do if the library, asked to choose its kernels for this processor, did not know it and
    /// took some that are several times slower: a release does not know processors that came later.
    pub fn advice(&self, level: Level) -> Option<String> {
        /// Cores without AVX2 and FMA; the first is the one taken where none is known.
        const OLD: [&str; 8] = [
            "prescott",
            "core2",
            "penryn",
            "dunnington",
            "nehalem",
            "sandybridge",
            "atom",
            "generic",
        ];
        let better = match level {
            Level::Avx512 => "SkylakeX",
            Level::Avx2 => "Haswell",
            _ => return None,
        };
        let core = &self.core;
        // other builds have kernels for one processor only
        let chooses = self.configuration.contains("DYNAMIC_ARCH");
        (chooses && OLD.contains(&core.to_lowercase().as_str())).then(|| {
            format!(
                "kernels for {core} do without {level}, which this processor has; set \
                 OPENBLAS_CORETYPE={better} before the program starts"
            )
        })
    }

    /// Checks that products run on the calling thread alone.
    ///
    /// # Errors
    /// A sentence that says why they may not and what to install instead.
    pub fn check_single_threaded(&self) -> Result<(), String> {
        let refuse = |why: String| {
            Err(format!(
                "{why}, so its sums could depend on the number of threads; install a build with \
                 pthreads or without threads (Debian: libopenblas0-pthread or libopenblas0-serial)"
            ))
        };
        match self.threading {
            Threading::OpenMp => refuse(
                "this OpenBLAS shares out its work with OpenMP, whatever it is told".to_string(),
            ),
            Threading::Unknown(model) => {
                refuse(format!("this OpenBLAS reports the unknown threading model {model}"))
            }
            _ if self.threads != 1 => refuse(format!(
                "this OpenBLAS ({}) still uses {} threads after being told to use 1",
                self.threading, self.threads
            )),
            _ => Ok(()),
        }
    }
}

/// # Safety
/// `string` is null or a C string that is never freed.
unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return "unknown".to_string();
    }
    // SAFETY: the caller's promise
    unsafe { CStr::from_ptr(string) }.to_string_lossy().trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_answers_and_is_single_threaded() {
        let library = Library::probe();
        assert!(library.configuration.contains("OpenBLAS"), "{library:?}");
        assert!(library.version().starts_with("0."), "{library:?}");
        assert_eq!(library.check_single_threaded(), Ok(()));
    }

    #[test]
    fn kernels_that_are_too_old_for_the_processor_are_told() {
        let configuration = "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH";
        let of = |core: &str| Library {
            core: core.to_string(),
            configuration: configuration.to_string(),
            ..Library::probe()
        };
        let advice = of("Prescott").advice(Level::Avx512).unwrap();
        assert!(
            advice.contains("Prescott") && advice.ends_with("=SkylakeX before the program starts")
        );
        assert!(of("Nehalem").advice(Level::Avx2).unwrap().contains("CORETYPE=Haswell"));
        assert_eq!(of("Prescott").advice(Level::Portable), None);
        assert_eq!(of("SapphireRapids").advice(Level::Avx512), None);
        let fixed = Library { configuration: "OpenBLAS 0.3.21".to_string(), ..of("Prescott") };
        assert_eq!(fixed.advice(Level::Avx512), None);
    }

    #[test]
    fn a_build_that_keeps_its_threads_is_refused() {
        let library = Library { threading: Threading::OpenMp, ..Library::probe() };
        let refusal = library.check_single_threaded().unwrap_err();
        assert!(
            refusal.contains("OpenMP") && refusal.contains("libopenblas0-pthread"),
            "{refusal}"
        );
        let library = Library { threads: 4, threading: Threading::Pthreads, ..library };
        assert!(library.check_single_threaded().unwrap_err().contains("4 threads"));
        let library = Library { threading: Threading::Unknown(7), ..library };
        assert!(library.check_single_threaded().unwrap_err().contains('7'));
    }
}
