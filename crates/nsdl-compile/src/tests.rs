use super::*;

#[test]
fn smoke() {
    let symbols = Symbols::new();
    let text = std::fs::read_to_string("/tmp/t.dl").unwrap();
    let mut sources = nsdl_syntax::Sources::default();
    let id = sources.add("t.dl", &text);
    let (ast, diagnostics) = nsdl_syntax::parse(&text, id);
    println!(
        "{}",
        nsdl_syntax::render::render(&diagnostics, &sources, false)
    );
    match compile(&[&ast], &[], &symbols) {
        Ok(compiled) => {
            println!("{}", show(&compiled.plan, &symbols));
            println!("{:?}", compiled.plan.facts);
            println!("{:?}", compiled.plan.choices);
            println!(
                "{}",
                nsdl_syntax::render::render(&compiled.warnings, &sources, false)
            );
        }
        Err(errors) => println!("{}", nsdl_syntax::render::render(&errors, &sources, false)),
    }
}
