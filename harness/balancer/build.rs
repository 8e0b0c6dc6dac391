//! Embeds the manifests and templates of `fixtures/balancers`, and nothing else that lies there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let balancers = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../fixtures/balancers");
    println!("cargo::rerun-if-changed={}", balancers.display());
    let mut source = String::from("&[\n");
    for folder in sorted(&balancers)? {
        if !folder.join("manifest.yaml").is_file() {
            continue;
        }
        writeln!(source, "    ({:?}, &[", name(&folder)).expect("a string takes it");
        for file in sorted(&folder)? {
            if name(&file) == "manifest.yaml" || file.extension().is_some_and(|extension| extension == "j2") {
                let path = fs::canonicalize(&file)?;
                writeln!(source, "        ({:?}, include_str!({:?})),", name(&file), path.display().to_string())
                    .expect("a string takes it");
            }
        }
        source.push_str("    ]),\n");
    }
    source.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("shipped.rs"), source)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().expect("a listed file has a name").to_string_lossy().into_owned()
}
