use lblab_probe::*;
use std::process::ExitCode;
fn main() -> ExitCode {
    if let Some(code) = lblab_runner::entry() {
        return code;
    }
    let mut args = std::env::args().skip(1);
    let balancer = args.next().unwrap();
    let only: Vec<String> = args.collect();
    let manifest = lblab_balancer::Manifest::load(&balancer).unwrap();
    let setup = Setup {
        balancer: balancer.clone(),
        mutant: std::env::var("MUTANT").ok(),
        declared: manifest.traits().clone(),
        seed: 1,
        out: format!("/tmp/probe-{}", manifest.name()).into(),
        jobs: 8,
        user_namespace: false,
        verbose: false,
    };
    let experiments: Vec<Experiment> =
        Experiment::all(false).into_iter().filter(|e| only.is_empty() || only.iter().any(|o| o == e.name())).collect();
    let begun = std::time::Instant::now();
    let labs = run(&setup, &experiments, &|e, m| {
        if std::env::var("V").is_ok() {
            eprintln!("{:?} {e} {m:?}", begun.elapsed())
        }
    });
    println!("took {:?}", labs.took);
    for (e, p) in labs.problems() {
        println!("{e}: {p}");
    }
    for f in findings(&Trait::ALL, manifest.traits(), &labs, false) {
        println!("{:<30} {:?}\t{} / {}\n      {}", f.of, f.standing, f.declared.unwrap_or_default(), f.measured.unwrap_or_default(), f.evidence);
    }
    ExitCode::SUCCESS
}
